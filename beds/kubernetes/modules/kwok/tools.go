//go:build tools

// Package kwok pins what stands in for nodes and their pods where thousands must run on one machine.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
