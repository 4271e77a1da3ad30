package volume

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
)

// EFS gives the directory that stands in for an EFS file system, or for a
// directory or an access point of it.
func (s *Store) EFS(v agentproto.Volume) (string, error) {
	cfg := v.EFSConfiguration
	if cfg == nil {
		return "", fmt.Errorf("volume %s has no EFS configuration", v.Name)
	}
	if err := check(cfg.FileSystemID); err != nil {
		return "", fmt.Errorf("EFS file system: %w", err)
	}
	top := filepath.Join(s.cfg.EFS, cfg.FileSystemID)
	if err := os.MkdirAll(top, 0o755); err != nil {
		return "", fmt.Errorf("create EFS file system %s: %w", cfg.FileSystemID, err)
	}
	inside := strings.TrimPrefix(path.Clean("/"+cfg.RootDirectory), "/")
	if a := cfg.AuthorizationConfig; a != nil && a.AccessPointID != "" {
		return s.accessPoint(top, a.AccessPointID, inside)
	}
	if inside == "" {
		return top, nil
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return "", fmt.Errorf("open EFS file system %s: %w", cfg.FileSystemID, err)
	}
	defer root.Close()
	// A link in it that leads out is refused, as a mount of EFS would not follow
	// it out of the file system.
	st, err := root.Stat(inside)
	if err == nil && !st.IsDir() {
		err = errors.New("not a directory")
	}
	if err != nil {
		// The words of the mount helper for NFS.
		return "", fmt.Errorf("mounting volume failed: mount.nfs4: mounting %s:/%s failed, reason given by server: No such file or directory", cfg.FileSystemID, inside)
	}
	return resolved(top, inside)
}

// resolved is the path without links, so that a link that is changed afterwards
// leads nowhere else.
func resolved(top, inside string) (string, error) {
	resolved, err := filepath.EvalSymlinks(filepath.Join(top, inside))
	if err != nil {
		return "", fmt.Errorf("look at EFS directory: %w", err)
	}
	realTop, err := filepath.EvalSymlinks(top)
	if err != nil {
		return "", fmt.Errorf("look at EFS directory: %w", err)
	}
	if !strings.HasPrefix(resolved, realTop+"/") {
		return "", fmt.Errorf("EFS directory /%s leads out of its file system", inside)
	}
	return resolved, nil
}

func (s *Store) accessPoint(top, id, inside string) (string, error) {
	if inside != "" {
		// ECS: with an access point the root directory is omitted or "/".
		return "", errors.New("the root directory must be omitted or / with an access point")
	}
	if err := check(id); err != nil {
		return "", fmt.Errorf("EFS access point: %w", err)
	}
	dir := filepath.Join(top, id)
	err := os.Mkdir(dir, 0o777)
	if err == nil {
		// Whose it is, only the access point would know: anyone's, whatever the umask.
		err = os.Chmod(dir, 0o777)
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("create EFS access point %s: %w", id, err)
	}
	return dir, nil
}
