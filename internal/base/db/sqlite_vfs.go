package db

import (
	"sync"

	"github.com/ncruces/go-sqlite3/vfs"
)

// vfsName is the file layer under SQLite databases: the operating system's,
// without memory mapping. With page checksums the driver does not map files
// anyway, but its release 0.35.6 still takes the mapping for granted when a
// checkpoint changes the file's size, and falls over a nil. What is written to
// the log it looks at: see [logFile].
const vfsName = "florin"

var registerVFS = sync.OnceFunc(func() { vfs.Register(vfsName, unmapped{vfs.Find("")}) })

type unmapped struct{ vfs.VFS }

func (u unmapped) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	var (
		file vfs.File
		err  error
	)
	if under, ok := u.VFS.(vfs.VFSFilename); ok {
		file, flags, err = under.OpenFilename(name, flags)
	} else {
		file, flags, err = u.VFS.Open(name.String(), flags)
	}
	if err != nil {
		return nil, flags, err
	}
	if flags&vfs.OPEN_WAL != 0 {
		return newLogFile(unmappedFile{file}, name.String()), flags, nil
	}
	return unmappedFile{file}, flags, nil
}

// unmappedFile passes on everything but the memory mapper.
type unmappedFile struct{ vfs.File }

func (f unmappedFile) SharedMemory() vfs.SharedMemory {
	if under, ok := f.File.(vfs.FileSharedMemory); ok {
		return under.SharedMemory()
	}
	return nil
}

func (f unmappedFile) LockState() vfs.LockLevel {
	if under, ok := f.File.(vfs.FileLockState); ok {
		return under.LockState()
	}
	return vfs.LOCK_NONE
}

func (f unmappedFile) PersistWAL() bool {
	under, ok := f.File.(vfs.FilePersistWAL)
	return ok && under.PersistWAL()
}

func (f unmappedFile) SetPersistWAL(keep bool) {
	if under, ok := f.File.(vfs.FilePersistWAL); ok {
		under.SetPersistWAL(keep)
	}
}

func (f unmappedFile) SizeHint(size int64) error {
	if under, ok := f.File.(vfs.FileSizeHint); ok {
		return under.SizeHint(size)
	}
	return nil
}

func (f unmappedFile) Unwrap() vfs.File { return f.File }
