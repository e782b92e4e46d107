// A small network program for test pods: it tells in one word what a connection met.
//
//	probe connect ADDRESS PORT   open | refused | timeout | the error's text
//	probe serve PORT             answers every connection over HTTP with the pod's host name
//	probe http URL               status and body
//	probe dns NAME               the addresses, one a line
//
// Every attempt ends within two seconds, so that "timeout" (a packet dropped by policy) is told
// apart from "refused" (nothing listens).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

const limit = 2 * time.Second

func main() {
	if len(os.Args) < 3 {
		fail("usage: probe connect ADDRESS PORT | serve PORT | http URL | dns NAME")
	}
	switch command := os.Args[1]; {
	case command == "connect" && len(os.Args) == 4:
		connect(net.JoinHostPort(os.Args[2], os.Args[3]))
	case command == "serve":
		serve(os.Args[2])
	case command == "http":
		get(os.Args[2])
	case command == "dns":
		lookUp(os.Args[2])
	default:
		fail("unknown command: " + command)
	}
}

func connect(address string) {
	connection, err := net.DialTimeout("tcp", address, limit)
	if err == nil {
		connection.Close()
		fmt.Println("open")
		return
	}
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		fmt.Println("timeout")
	case errors.Is(err, syscall.ECONNREFUSED):
		fmt.Println("refused")
	default:
		fmt.Println(err)
	}
}

func serve(port string) {
	name, _ := os.Hostname()
	answer := func(w http.ResponseWriter, r *http.Request) {
		peer, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s %s\n", name, peer)
	}
	fail(http.ListenAndServe(":"+port, http.HandlerFunc(answer)).Error())
}

func get(url string) {
	client := http.Client{Timeout: limit}
	answer, err := client.Get(url)
	if err != nil {
		fail(err.Error())
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Printf("%d %s", answer.StatusCode, body)
}

func lookUp(name string) {
	within, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(within, name)
	if err != nil {
		fail(err.Error())
	}
	for _, address := range addresses {
		fmt.Println(address)
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}
