package replica

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// A state travels as a tar archive (POSIX.1-1988 ustar): first a file named
// streamHead with magic and version, then the files of a Pebble checkpoint.
const (
	streamHead     = "KEN-STATE"
	streamMagic    = "KSTR"
	streamVersion  = 1
	streamFilesMax = 1 << 20
	tarBlock       = 512
)

// headBytes is the content of the first file.
func headBytes() []byte { return binary.BigEndian.AppendUint32([]byte(streamMagic), streamVersion) }

// fileSize is a file of a checkpoint.
type fileSize struct {
	name string
	size int64
}

// stream sends a checkpoint; it is removed by Close. size is exact: raft
// refuses a stream of another length.
type stream struct {
	*io.PipeReader
	folders *folders
	name    string
	size    int64
	done    chan struct{} // closed when the sending goroutine has ended
}

// openStream starts to send the checkpoint called name.
func openStream(f *folders, name string) (*stream, error) {
	files, err := listFiles(f.fs, f.path(name))
	if err != nil {
		return nil, err
	}
	size := int64(2*tarBlock) + tarSize(int64(len(headBytes())))
	for _, file := range files {
		size += tarSize(file.size)
	}
	r, w := io.Pipe()
	s := &stream{PipeReader: r, folders: f, name: name, size: size, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		w.CloseWithError(sendFiles(w, f.fs, f.path(name), files))
	}()
	return s, nil
}

// Close stops sending and removes the checkpoint.
func (s *stream) Close() error {
	_ = s.PipeReader.Close() // always nil
	<-s.done
	return s.folders.remove(s.name)
}

// tarSize is what a file of n bytes takes in the archive.
func tarSize(n int64) int64 { return tarBlock + (n+tarBlock-1)/tarBlock*tarBlock }

// listFiles returns the files of a checkpoint in order of name.
func listFiles(fs vfs.FS, dir string) ([]fileSize, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	var files []fileSize
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			return nil, err
		}
		if name == "LOCK" {
			continue // made by the look at the checkpoint
		}
		if err := checkFileName(name); err != nil || info.IsDir() {
			return nil, metadata.Errorf(metadata.KindInternal, "checkpoint has an unexpected %q: %w", name, err)
		}
		files = append(files, fileSize{name, info.Size()})
	}
	return files, nil
}

// sendFiles writes the archive.
func sendFiles(w io.Writer, fs vfs.FS, dir string, files []fileSize) error {
	tw := tar.NewWriter(w)
	head := headBytes()
	if err := tw.WriteHeader(tarHeader(streamHead, int64(len(head)))); err != nil {
		return err
	}
	if _, err := tw.Write(head); err != nil {
		return err
	}
	for _, file := range files {
		if err := sendFile(tw, fs, fs.PathJoin(dir, file.name), file); err != nil {
			return err
		}
	}
	return tw.Close()
}

func sendFile(tw *tar.Writer, fs vfs.FS, path string, file fileSize) (err error) {
	in, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := tw.WriteHeader(tarHeader(file.name, file.size)); err != nil {
		return err
	}
	_, err = io.CopyN(tw, in, file.size)
	return err
}

func tarHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatUSTAR}
}

// checkFileName accepts the names that Pebble gives its files.
func checkFileName(name string) error {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return metadata.Errorf(metadata.KindInvalid, "file name %q in a state", name)
		}
	}
	if name == "" || name[0] == '.' || len(name) > 99 {
		return metadata.Errorf(metadata.KindInvalid, "file name %q in a state", name)
	}
	return nil
}

// receiver writes a stream to a side folder.
type receiver struct {
	*io.PipeWriter
	folders *folders
	name    string // of the side folder
	target  string // of the state that it becomes
	done    chan error
}

// startReceiver makes a side folder and starts to fill it.
func startReceiver(f *folders) *receiver {
	name := f.side(incomingPrefix)
	r, w := io.Pipe()
	rc := &receiver{PipeWriter: w, folders: f, name: name, done: make(chan error, 1)}
	rc.target = statePrefix + strings.TrimPrefix(name, incomingPrefix)
	go func() {
		err := receiveFiles(r, f.fs, f.path(name))
		r.CloseWithError(err) // wakes a Write that nobody will read any more
		rc.done <- err
	}()
	return rc
}

// finish waits until all files are durable and makes the side folder a state.
func (r *receiver) finish() error {
	_ = r.PipeWriter.Close() // always nil
	err := <-r.done
	if err == nil {
		err = r.folders.promote(r.name, r.target)
	}
	if err != nil {
		return errors.Join(err, r.folders.remove(r.name))
	}
	return nil
}

// cancel stops receiving and removes the side folder.
func (r *receiver) cancel() error {
	_ = r.PipeWriter.CloseWithError(errors.New("canceled")) // always nil
	<-r.done
	return r.folders.remove(r.name)
}

// receiveFiles writes the files of an archive into a new folder and fsyncs
// them. It reads r to its end.
func receiveFiles(r io.Reader, fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tr := tar.NewReader(r)
	if err := receiveHead(tr); err != nil {
		return err
	}
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err == nil && n >= streamFilesMax {
			err = metadata.Errorf(metadata.KindTooLarge, "more than %d files in a state", streamFilesMax)
		}
		if err == nil && h.Typeflag != tar.TypeReg {
			err = metadata.Errorf(metadata.KindInvalid, "file %q in a state has type %q", h.Name, h.Typeflag)
		}
		if err == nil {
			err = checkFileName(h.Name)
		}
		if err != nil {
			return err
		}
		if err := receiveFile(tr, fs, fs.PathJoin(dir, h.Name)); err != nil {
			return fmt.Errorf("receive %s: %w", h.Name, err)
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return syncFolder(fs, dir)
}

// receiveHead checks magic and version.
func receiveHead(tr *tar.Reader) error {
	h, err := tr.Next()
	if err != nil {
		return err
	}
	head := make([]byte, len(headBytes()))
	if _, err := io.ReadFull(tr, head); err != nil || h.Name != streamHead || string(head[:4]) != streamMagic {
		return metadata.Errorf(metadata.KindInvalid, "the stream is not a nameserver's state")
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != streamVersion {
		return metadata.Errorf(metadata.KindUnsupported,
			"the state's stream has version %d; this program reads version %d", v, streamVersion)
	}
	return nil
}

func receiveFile(r io.Reader, fs vfs.FS, path string) error {
	out, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, r); err != nil {
		return errors.Join(err, out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}

// syncFolder fsyncs a folder, and with it the names of its files.
func syncFolder(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
