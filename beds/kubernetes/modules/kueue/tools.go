//go:build tools

// Package kueue pins the line for pods that wait, for sites that have one of the cluster's own.
package kueue

import _ "sigs.k8s.io/kueue/cmd/kueue"
