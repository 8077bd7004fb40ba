package latchkey

import (
	"os"
	"path/filepath"
	"sync"
)

// Storage keeps values by name. Update is atomic between all users of the storage: it gives change the stored value, nil where
// there is none, and stores what change returns; nil deletes it. An error of change changes nothing and is returned.
// The value has to be stored for good when Update returns.
type Storage interface {
	Read(key string) ([]byte, error)
	Update(key string, change func(stored []byte) ([]byte, error)) error
}

// MemoryStorage forgets everything when the process ends.
type MemoryStorage struct {
	mutex  sync.Mutex
	values map[string][]byte
}

func (storage *MemoryStorage) Read(key string) ([]byte, error) {
	storage.mutex.Lock()
	defer storage.mutex.Unlock()
	return storage.values[key], nil
}

func (storage *MemoryStorage) Update(key string, change func([]byte) ([]byte, error)) error {
	storage.mutex.Lock()
	defer storage.mutex.Unlock()
	next, err := change(storage.values[key])
	if err != nil {
		return err
	}
	if storage.values == nil {
		storage.values = map[string][]byte{}
	}
	if next == nil {
		delete(storage.values, key)
	} else {
		storage.values[key] = next
	}
	return nil
}

// FileStorage keeps values in files of a directory that belongs to the user, mode 0600. On Unix several processes may share it.
type FileStorage struct {
	Directory string
	mutex     sync.Mutex
}

func (storage *FileStorage) Read(key string) ([]byte, error) {
	value, err := os.ReadFile(filepath.Join(storage.Directory, key))
	if os.IsNotExist(err) {
		return nil, nil
	}
	return value, err
}

func (storage *FileStorage) Update(key string, change func([]byte) ([]byte, error)) error {
	storage.mutex.Lock()
	defer storage.mutex.Unlock()
	unlock, err := lockFile(filepath.Join(storage.Directory, key+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	stored, err := storage.Read(key)
	if err != nil {
		return err
	}
	next, err := change(stored)
	if err != nil {
		return err
	}
	path := filepath.Join(storage.Directory, key)
	if next == nil {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	return replace(path, next)
}

// replace writes beside the file and renames, so that a crash leaves the old value or the new one.
func replace(path string, value []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(value)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
