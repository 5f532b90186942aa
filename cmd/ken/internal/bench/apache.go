package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

var errNoApache = errors.New("apache2 is not installed")

// startApache starts Debian's Apache with mod_dav on a folder, as its manual says.
func startApache(ctx context.Context, dir string) (*server, error) {
	bin, err := exec.LookPath("apache2")
	if err != nil {
		if bin = "/usr/sbin/apache2"; !executable(bin) {
			return nil, errNoApache
		}
	}
	addr, err := freeAddr("tcp")
	if err != nil {
		return nil, err
	}
	base := filepath.Join(dir, "apache")
	for _, d := range []string{base, filepath.Join(base, "data")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return nil, err
		}
		if err := os.Chmod(d, 0o777); err != nil { // Apache's workers are another user
			return nil, err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // so that they get there
		return nil, err
	}
	path := filepath.Join(base, "conf")
	if err := os.WriteFile(path, []byte(apacheConf(base, addr)), 0o644); err != nil {
		return nil, err
	}
	c := exec.Command(bin, "-DFOREGROUND", "-f", path)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &server{name: "apache", url: "http://" + addr + "/", procs: []*exec.Cmd{c}}
	if err := listening(ctx, addr); err != nil {
		s.stop()
		return nil, fmt.Errorf("apache2 does not answer: %w", err)
	}
	return s, nil
}

// apacheConf is mod_dav on one folder. Connections stay open however many
// requests they carry, as ours do; otherwise the settings are the defaults.
func apacheConf(base, addr string) string {
	const modules = "/usr/lib/apache2/modules"
	return fmt.Sprintf(`ServerRoot %[1]q
ServerName bench
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
Listen %[2]s
User www-data
Group www-data
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule dav_module %[3]s/mod_dav.so
LoadModule dav_fs_module %[3]s/mod_dav_fs.so
LoadModule mime_module %[3]s/mod_mime.so
TypesConfig /etc/mime.types
DocumentRoot %[1]s/data
DAVLockDB %[1]s/lock
LimitXMLRequestBody 0
MaxKeepAliveRequests 0
<Directory %[1]s/data>
DAV On
Require all granted
</Directory>
`, base, addr, modules)
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode()&0o111 != 0
}

// listening waits until somebody takes connections at addr.
func listening(ctx context.Context, addr string) error {
	var err error
	for range 100 {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}
