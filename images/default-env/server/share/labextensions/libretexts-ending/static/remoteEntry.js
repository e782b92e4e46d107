// Warns in JupyterLab and Notebook before the server ends. Written by hand in the form that JupyterLab
// loads (a container of module federation: `init`, then `get`), so that nothing has to be built.
(function () {
  "use strict";

  const MINUTES = [30, 10, 5, 1];
  let shared = {};

  // The end, in milliseconds since 1970, as the server wrote it into the page; 0 where there is none.
  function end() {
    const data = document.getElementById("jupyter-config-data");
    const config = data ? JSON.parse(data.textContent) : {};
    return 1000 * Number(config.libretextsEndsAt || 0);
  }

  // A module that JupyterLab itself has loaded, whatever its version.
  async function module(name) {
    const versions = shared[name] || {};
    const factory = await versions[Object.keys(versions)[0]].get();
    return factory();
  }

  function words(left) {
    const minutes = Math.max(1, Math.round(left / 60000));
    const when = new Date(Date.now() + left).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const span = minutes === 1 ? "a minute" : minutes + " minutes";
    return "Your server ends at " + when + ", in " + span + ". Save your work; files that are saved stay.";
  }

  async function warn(at) {
    const { Notification } = await module("@jupyterlab/apputils");
    Notification.warning(words(at - Date.now()), { autoClose: false });
  }

  const plugin = {
    id: "libretexts-ending:plugin",
    autoStart: true,
    activate(app) {
      const at = end();
      if (!at) {
        return;
      }
      // What is told before the page is there lands in the list of notifications and shows nowhere.
      app.restored.then(() => watch(at));
    },
  };

  function watch(at) {
    const left = at - Date.now();
    // Whoever opens the page late is warned at once, and then at each of the later moments.
    if (left < MINUTES[0] * 60000) {
      warn(at);
    }
    for (const minutes of MINUTES) {
      const wait = left - minutes * 60000;
      // Timers of browsers hold 2^31 milliseconds, which is 24 days; a longer wait would fire at once.
      if (wait > 0 && wait < 2 ** 31) {
        setTimeout(warn, wait, at);
      }
    }
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["libretexts-ending"] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
