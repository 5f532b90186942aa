package main

import (
	"context"
	"os"

	"golang.org/x/net/webdav"
)

// liar is a file system that changes the first byte of every piece it gives.
type liar struct{ webdav.FileSystem }

func (l liar) OpenFile(ctx context.Context, name string, flag int, perm os.FileMode) (webdav.File, error) {
	f, err := l.FileSystem.OpenFile(ctx, name, flag, perm)
	return lyingFile{f}, err
}

type lyingFile struct{ webdav.File }

func (f lyingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}
