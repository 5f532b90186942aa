package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const tail = " S 17 1 1 0 -1 4194560 9 0 0 0 250 50 3 4 20 0 1 0 7"
	for _, tt := range []struct {
		line string
		want stat
		ok   bool
	}{
		{"42 (ken)" + tail, stat{42, 17, 3 * time.Second}, true},
		{"42 (a (b) c)" + tail, stat{42, 17, 3 * time.Second}, true},
		{"42 (ken) S 17", stat{}, false},
		{"x (ken)" + tail, stat{}, false},
		{"", stat{}, false},
	} {
		if got, ok := parseStat(tt.line); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %v, %v, want %v, %v", tt.line, got, ok, tt.want, tt.ok)
		}
	}
}

func TestCPU(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{procs: []*exec.Cmd{{Process: self}}}
	began := s.cpu()
	for n := 0; s.cpu() < began+3*tick; n++ { // until this loop itself was counted
		if n > 1e6 {
			t.Fatal("no processor time is counted")
		}
	}
}
