package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startCluster makes a cluster of separate processes with certificates.
func startCluster(ctx context.Context, name, ken, dir string) (_ *server, err error) {
	s := &server{name: name, user: "admin", password: password}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	web, err := freeAddr("tcp")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + web + "/"
	for i, role := range []string{"nameserver", "datanode", "datanode", "datanode", "datanode", "webdav"} {
		node := filepath.Join(dir, fmt.Sprint("n", i))
		if err := makeNode(ctx, ken, dir, node, role, web); err != nil {
			return nil, err
		}
		c, _, err := spawn(ctx, ken, "run", "--dir", node, "--log-level", "warn")
		if err != nil {
			return nil, err
		}
		s.procs = append(s.procs, c)
	}
	return s, nil
}

// makeNode enrols a node, the first of which makes the cluster.
func makeNode(ctx context.Context, ken, dir, node, role, web string) error {
	addr, err := freeAddr("udp")
	if err != nil {
		return err
	}
	args := []string{"--dir", node, "--roles", role, "--listen", addr, "--webdav", web, "--name", filepath.Base(node)}
	if role == "nameserver" {
		_, err := output(ctx, ken, append([]string{"init"}, args...)...)
		return err
	}
	token, err := output(ctx, ken, "token", "create", "--dir", filepath.Join(dir, "n0"), "--roles", role)
	if err != nil {
		return err
	}
	_, err = output(ctx, ken, append(append([]string{"join"}, args...), strings.TrimSpace(token))...)
	return err
}

func output(ctx context.Context, ken string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, ken, args...)
	c.Env = append(os.Environ(), "KEN_ADMIN_PASSWORD="+password)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("ken %v: %w: %s", args, err, said.String())
	}
	return string(out), err
}
