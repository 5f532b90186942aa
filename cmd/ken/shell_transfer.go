package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"kendfs/cmd/ken/internal/shell"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// transferCommands move data between this machine and the drive.
func (d *shellDrive) transferCommands() []shell.Command {
	force := []string{"force"}
	return []shell.Command{
		{
			Name: "upload", Usage: "upload [-force] local remote_dir", Short: "copy a file or folder of this machine into a directory",
			Flags: force,
			Long:  "Several files can be given. A file appears whole or not at all; one that exists is\nleft unless -force is given. A block that a server does not take goes to another.",
			Min:   2, Max: -1, Kind: shell.Last(shell.Local, shell.RemoteNew), Run: d.upload,
		},
		{
			Name: "download", Usage: "download [-force] remote local_dir", Short: "copy a file or directory to a folder of this machine",
			Flags: force,
			Long:  "Several files can be given. A file that exists is left unless -force is given. A block\nthat a server does not give is read from another.",
			Min:   2, Max: -1, Kind: shell.Last(shell.Remote, shell.Local), Run: d.download,
		},
	}
}

func (d *shellDrive) upload(ctx context.Context, c *shell.Call) error {
	local := c.Args[:len(c.Args)-1]
	dst := c.Path(len(local))
	if err := d.intoDir(ctx, dst, "upload [-force] local remote_dir"); err != nil {
		return err
	}
	pairs := make([]transfer.Pair, len(local))
	for i, l := range local {
		name, err := localName(l)
		if err != nil {
			return err
		}
		if err := metadata.CheckName(name); err != nil {
			return err
		}
		pairs[i] = transfer.Pair{Local: l, Remote: dst.Join(name)}
	}
	return d.transfer(c, func(o transfer.Options) (transfer.Summary, error) {
		return transfer.PutAll(ctx, driveOf(d.client()), pairs, o)
	})
}

func (d *shellDrive) download(ctx context.Context, c *shell.Call) error {
	remote := c.Paths()[:len(c.Args)-1]
	to := c.Args[len(remote)]
	if st, err := os.Stat(to); err != nil || !st.IsDir() {
		return metadata.Errorf(metadata.KindNotFound, "there is no folder %s on this machine: make it with `!mkdir %s`\nusage: download [-force] remote local_dir", to, to)
	}
	pairs := make([]transfer.Pair, len(remote))
	for i, p := range remote {
		_, name := p.Split()
		pairs[i] = transfer.Pair{Local: filepath.Join(to, name), Remote: p}
	}
	return d.transfer(c, func(o transfer.Options) (transfer.Summary, error) {
		return transfer.GetAll(ctx, driveOf(d.client()), pairs, o)
	})
}

// transfer runs one with progress bars and says what it did.
func (d *shellDrive) transfer(c *shell.Call, do func(transfer.Options) (transfer.Summary, error)) error {
	bars := newBars(c.Err, !d.interactive, true)
	bars.blocks = true
	cl := d.client()
	before := cl.Retries()
	sum, err := do(transfer.Options{Recursive: true, NoClobber: !c.Has("force"), Progress: bars})
	bars.wait()
	if err == nil && sum.Skipped == 0 || sum.Files > 0 {
		fmt.Fprintln(c.Out, movedText(sum, cl.Retries()-before))
	}
	if err == nil && sum.Skipped > 0 {
		return metadata.Errorf(metadata.KindExists, "left as it was, because it exists: %s; -force replaces", countText(sum.Skipped, "file"))
	}
	return err
}

// movedText says what a transfer did: "3 files, 21.0 MiB in 5 blocks".
func movedText(s transfer.Summary, retried int64) string {
	text := fmt.Sprintf("%s, %s in %s", countText(s.Files, "file"), bytesText(s.Bytes), countText(s.Blocks, "block"))
	if retried > 0 {
		text += fmt.Sprintf(", %s on another server", countText(retried, "retry"))
	}
	return text
}
