// Says in a sentence that a notebook wants a kernel that this image lacks: JupyterLab and Notebook
// themselves only ask for another one, and say neither why nor what was wanted.
//
// Written as the module federation container that both load, so that nothing has to be compiled:
// https://webpack.js.org/concepts/module-federation/
(() => {
  let shared;

  // Of a package that the application shares, the module.
  const load = async name => (await Object.values(shared[name])[0].get())();

  // Notifications are cut at 140 characters: what matters comes first.
  const sentence = (wanted, has) =>
    `This environment has no kernel “${wanted}”. It has ${has.join(', ')}. ` +
    'Choose one, or another environment at the hub.';

  const plugin = async () => {
    const { INotebookTracker } = await load('@jupyterlab/notebook');
    const { Notification } = await load('@jupyterlab/apputils');
    return {
      id: 'libretexts-missing-kernel:plugin',
      description: 'Says that a notebook wants a kernel that the image lacks.',
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        tracker.widgetAdded.connect(async (_, panel) => {
          await panel.context.ready;
          const kernels = app.serviceManager.kernelspecs;
          await kernels.ready;
          const known = kernels.specs?.kernelspecs ?? {};
          const { name, display_name: title } = panel.context.model.getMetadata('kernelspec') ?? {};
          if (!name || name in known) {
            return;
          }
          const has = Object.values(known).map(spec => spec.display_name).sort();
          Notification.warning(sentence(title || name, has), { autoClose: false });
        });
      }
    };
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['libretexts-missing-kernel'] = {
    init: scope => {
      shared = scope;
    },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    }
  };
})();
