package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const password = "bench-password-1"

// server is one that is being measured: its processes are this program's own
// and end with it.
type server struct {
	name, url      string
	user, password string
	procs          []*exec.Cmd
}

var errNoApache = errors.New("apache2 is not installed")

// stop ends the server's processes.
func (s *server) stop() {
	for _, p := range s.procs {
		_ = p.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	for _, p := range s.procs {
		_ = p.Wait() // how it ended does not matter here
	}
}

// memory returns the largest resident set of each process.
func (s *server) memory() string {
	var out []string
	for _, p := range s.procs {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
				kib, _ := strconv.Atoi(f[1])
				out = append(out, fmt.Sprintf("%d MiB", kib>>10))
			}
		}
	}
	return strings.Join(out, ", ")
}

// spawn starts a ken process and waits until it says that it is ready.
func spawn(ctx context.Context, ken string, args ...string) (*exec.Cmd, string, error) {
	c := exec.Command(ken, args...)
	c.Env = append(os.Environ(), "KEN_ADMIN_PASSWORD="+password)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := c.Start(); err != nil {
		return nil, "", err
	}
	var head strings.Builder
	r := bufio.NewReader(out)
	for ctx.Err() == nil {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if line == "ready\n" {
			return c, head.String(), nil
		}
		if err != nil {
			break
		}
	}
	return nil, "", errors.Join(fmt.Errorf("ken %v did not start: %s", args, head.String()), c.Wait(), ctx.Err())
}

func field(out, name string) string {
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(v)[0]
		}
	}
	return ""
}

func startDev(ctx context.Context, ken, dir string) (*server, error) {
	c, out, err := spawn(ctx, ken, "dev", "--dir", filepath.Join(dir, "dev"), "--webdav", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &server{name: "ken", url: field(out, "drive:"), user: "admin", password: password, procs: []*exec.Cmd{c}}, nil
}

// freeAddr returns a loopback address that nobody listens on now.
func freeAddr(network string) (string, error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		return c.LocalAddr().String(), c.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

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
	if err := openPath(dir); err != nil {
		return nil, err
	}
	const modules = "/usr/lib/apache2/modules"
	conf := fmt.Sprintf(`ServerRoot %[1]q
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
<Directory %[1]s/data>
DAV On
Require all granted
</Directory>
`, base, addr, modules)
	path := filepath.Join(base, "conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	c := exec.Command(bin, "-X", "-f", path)
	c.Args = []string{bin, "-DFOREGROUND", "-f", path}
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &server{name: "apache", url: "http://" + addr + "/", procs: []*exec.Cmd{c}}
	return s, listening(ctx, addr)
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode()&0o111 != 0
}

// openPath lets other users pass through the temporary folder.
func openPath(dir string) error { return os.Chmod(dir, 0o755) }

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
