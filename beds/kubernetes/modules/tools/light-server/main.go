// A single-user server stripped to what a hub looks at: any path answers 200 with the hub's version.
//
// It stands in for JupyterLab where a thousand servers must run on one machine. It reports no
// activity and runs no kernel.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	port := os.Getenv("LIGHT_SERVER_PORT")
	if port == "" {
		port = "8888"
	}
	version := os.Getenv("JUPYTERHUB_VERSION")
	if version == "" {
		version = "6.1.1"
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-JupyterHub-Version", version)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"version\": %q, \"path\": %q}\n", version, r.URL.Path)
	}
	log.Fatal(http.ListenAndServe(":"+port, http.HandlerFunc(answer)))
}
