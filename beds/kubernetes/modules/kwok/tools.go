//go:build tools

// Package kwok pins the controller that simulates nodes.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
