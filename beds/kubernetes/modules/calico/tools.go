//go:build tools

// Package calico pins the policy engine and the network plugin; go build names their packages.
package calico

import (
	_ "github.com/projectcalico/calico/cni-plugin/cmd/calico"
	_ "github.com/projectcalico/calico/felix/cmd/calico-felix"
)
