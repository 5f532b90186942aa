package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// newTmpfs mounts a file system in memory of that size, or skips the test.
func newTmpfs(t *testing.T, size string) string {
	t.Helper()
	need(t, "mount")
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if out, err := tryRun(t, time.Minute, "", nil, "", "mount", "-t", "tmpfs", "-o", "size="+size, "ken-test", dir); err != nil {
		t.Skipf("no file system in memory can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() { _, _ = tryRun(t, time.Minute, "", nil, "", "umount", "-l", dir) })
	return dir
}

// TestFullDisks fills all disks: uploads are answered with 507, nothing is lost,
// deleting works, and afterwards there is room again without a restart.
func TestFullDisks(t *testing.T) {
	t.Parallel()
	c := newNameserver(t, t.TempDir(), quickRepair, "--deleted-grace", "1s")
	disks := make([]string, 2)
	for i := range disks {
		disks[i] = newTmpfs(t, "420m") // of which the last 256 MiB and the reserve take no new volume
		c.joined("datanode", quickRepair, "--disk", filepath.Join(disks[i], "ken"))
	}
	c.withGateway("")
	d := newDrive(c.url())
	files := make(map[string][]byte)
	name := func(i int) string { return fmt.Sprintf("/f%d", i) }
	refused := 0
	for i := 0; refused < 5 && i < 200; i++ {
		body := randomBytes(3<<20 + i*1000)
		resp, text, err := d.do(t.Context(), "PUT", name(i), bytes.NewReader(body))
		switch {
		case err != nil:
			t.Fatalf("PUT on filling disks: %v", err)
		case resp.StatusCode == http.StatusCreated:
			files[name(i)] = body
		case resp.StatusCode == http.StatusInsufficientStorage:
			refused++
		default:
			t.Fatalf("PUT on full disks: got %s, want 507\n%s", resp.Status, text)
		}
	}
	if refused == 0 || len(files) < 20 {
		t.Fatalf("%d files stored, %d refused", len(files), refused)
	}
	wantFiles(t, d, files)
	c.awaitVerdict("read_only", 20*time.Second)
	for _, disk := range disks { // somebody else takes what is left
		fillUp(t, filepath.Join(disk, "ballast"))
	}
	if resp, _, err := d.do(t.Context(), "PUT", "/more", bytes.NewReader(randomBytes(2<<20))); err != nil || resp.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("PUT with not a byte left: got %v, %v, want 507", resp, err)
	}
	wantFiles(t, d, files)
	kept := make(map[string][]byte)
	n := 0
	for f, b := range files {
		if n++; n%10 == 0 {
			kept[f] = b
			continue
		}
		d.must(t, "DELETE", f, nil, http.StatusNoContent)
	}
	for _, disk := range disks {
		if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	fresh := randomBytes(8 << 20)
	await(t, "room again after deleting", 75*time.Second, func() bool {
		resp, text, err := d.do(t.Context(), "PUT", "/fresh", bytes.NewReader(fresh))
		if err != nil || resp.StatusCode >= 300 && resp.StatusCode != http.StatusInsufficientStorage {
			t.Fatalf("PUT while space comes back: %v, %v %s", resp, err, text)
		}
		return resp.StatusCode < 300
	})
	kept["/fresh"] = fresh
	t.Logf("%d files stored, %d refused with 507, writable again %v after the deletes", len(files), refused,
		time.Since(began).Round(100*time.Millisecond))
	wantFiles(t, d, kept)
	d.must(t, "GET", "/more", nil, http.StatusNotFound)
	c.awaitAccounted(75 * time.Second) // the deleted bytes are gone from the disks
}

// fillUp writes a file until the file system has no byte left.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{1 << 20, 4096, 1} {
		for {
			if _, err := f.Write(make([]byte, n)); err != nil {
				if pe, ok := err.(*os.PathError); !ok || pe.Err != syscall.ENOSPC {
					t.Fatal(err)
				}
				break
			}
		}
	}
}
