package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/webdav"
)

// asFake makes the test binary a ken of its own kind: it takes the arguments
// that bench gives, and serves a plain WebDAV folder. Its value says how it
// behaves.
const asFake = "KEN_BENCH_FAKE"

// How a fake behaves.
const (
	honest    = "honest"
	mute      = "mute"      // never says ready
	silent    = "silent"    // says nothing and does not end
	deaf      = "deaf"      // ends on SIGKILL only
	tokenless = "tokenless" // makes no tokens
	lazy      = "lazy"      // runs no gateway
	corrupt   = "corrupt"   // gives other bytes than it took
)

func TestMain(m *testing.M) {
	if how := os.Getenv(asFake); how != "" {
		if err := fakeKen(how, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "fake:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// fake makes bench start this binary as ken, which behaves so.
func fake(t *testing.T, how string) string {
	t.Helper()
	t.Setenv(asFake, how)
	return os.Args[0]
}

func option(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

func fakeKen(how string, args []string) error {
	dir := option(args, "--dir")
	switch args[0] {
	case "init", "join":
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if args[0] == "join" && args[len(args)-1] != "KEN1-FAKE" {
			return fmt.Errorf("token %q", args[len(args)-1])
		}
		return os.WriteFile(filepath.Join(dir, "node"), []byte(option(args, "--roles")+" "+option(args, "--webdav")), 0o644)
	case "token":
		if how == tokenless {
			return fmt.Errorf("no tokens today")
		}
		fmt.Fprintln(os.Stderr, "a warning that is no part of the token")
		fmt.Println("KEN1-FAKE")
		return nil
	case "dev":
		return fakeServe(how, dir, option(args, "--webdav"))
	case "run":
		b, err := os.ReadFile(filepath.Join(dir, "node"))
		if err != nil {
			return err
		}
		role, web, _ := strings.Cut(string(b), " ")
		if role != "webdav" {
			return fakeWait(how)
		}
		if how == lazy {
			return fmt.Errorf("the gateway does not feel like it")
		}
		return fakeServe(how, dir, web)
	}
	return fmt.Errorf("unknown command %v", args)
}

// fakeWait says ready and waits for the signal to end.
func fakeWait(how string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch how {
	case mute:
		fmt.Println("nearly")
		return nil
	case deaf:
		fmt.Println("ready")
		select {}
	case silent:
	default:
		fmt.Println("ready")
	}
	<-ctx.Done()
	return nil
}

func fakeServe(how, dir, addr string) error {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	var files webdav.FileSystem = webdav.Dir(data)
	if how == corrupt {
		files = liar{files}
	}
	dav := &webdav.Handler{FileSystem: files, LockSystem: webdav.NewMemLS()}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, ok := r.BasicAuth(); !ok || user != "admin" || pass != os.Getenv("KEN_ADMIN_PASSWORD") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		dav.ServeHTTP(w, r)
	})}
	go func() { _ = s.Serve(l) }() // ends with the process
	fmt.Printf("drive:     http://%s/\n", l.Addr())
	return fakeWait(how)
}
