//go:build tools

// Package coredns pins the cluster's name server.
package coredns

import _ "github.com/coredns/coredns"
