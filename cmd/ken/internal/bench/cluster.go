package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startCluster makes a cluster of separate processes with certificates.
func startCluster(ctx context.Context, name, ken, dir string) (*server, error) {
	s := &server{name: name, user: "admin", password: password}
	web, err := freeAddr("tcp")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + web + "/"
	for i, role := range []string{"nameserver", "datanode", "datanode", "datanode", "datanode", "webdav"} {
		addr, err := freeAddr("udp")
		if err != nil {
			return nil, err
		}
		node := filepath.Join(dir, fmt.Sprint("n", i))
		args := []string{"--dir", node, "--roles", role, "--listen", addr, "--webdav", web, "--name", fmt.Sprint("n", i)}
		if i == 0 {
			args = append([]string{"init"}, args...)
		} else {
			token, err := output(ken, "token", "create", "--dir", filepath.Join(dir, "n0"), "--roles", role)
			if err != nil {
				return nil, errors.Join(err, stopped(s))
			}
			args = append(append([]string{"join"}, args...), strings.TrimSpace(token))
		}
		if _, err := output(ken, args...); err != nil {
			return nil, errors.Join(err, stopped(s))
		}
		c, _, err := spawn(ctx, ken, "run", "--dir", node, "--log-level", "warn")
		if err != nil {
			return nil, errors.Join(err, stopped(s))
		}
		s.procs = append(s.procs, c)
	}
	return s, nil
}

func stopped(s *server) error {
	s.stop()
	return nil
}

func output(ken string, args ...string) (string, error) {
	c := exec.Command(ken, args...)
	c.Env = append(os.Environ(), "KEN_ADMIN_PASSWORD="+password)
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("ken %v: %w: %s", args, err, out)
	}
	return string(out), err
}
