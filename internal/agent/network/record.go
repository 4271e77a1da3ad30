package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/slipway/slipway/internal/netns"
)

// stateDir, below the run directory, holds one file per attachment. They are
// not synced to disk: after a crash of the machine the namespaces are gone too.
const stateDir = "attachments"

// record is an attachment with what its removal needs.
type record struct {
	endpoint
	Bindings []Binding
}

func (b *bridge) attach(req Request) (*record, error) {
	if rec, ok := b.records[req.ContainerID]; ok {
		return rec, nil
	}
	bindings, err := b.ports.take(req.ContainerID, req.Ports)
	if err != nil {
		return nil, err
	}
	e, err := b.takeEndpoint()
	if err != nil {
		b.ports.release(req.ContainerID)
		return nil, err
	}
	rec := &record{endpoint: *e, Bindings: bindings}
	b.records[req.ContainerID] = rec
	if err := b.publish(req.ContainerID, rec); err != nil {
		return nil, errors.Join(err, b.detach(req.ContainerID))
	}
	return rec, nil
}

// publish makes the attachment known to the next agent, then to the kernel.
func (b *bridge) publish(id string, rec *record) error {
	if err := b.save(id, rec); err != nil || len(rec.Bindings) == 0 {
		return err
	}
	if err := b.reflect(&rec.endpoint); err != nil {
		return err
	}
	return b.table.add(mappings(rec))
}

func (b *bridge) detach(id string) error {
	rec, ok := b.records[id]
	if !ok {
		return nil
	}
	// The ports lead nowhere before the address can go to another container.
	if err := b.table.remove(mappings(rec)); err != nil {
		return err
	}
	if err := b.dropEndpoint(&rec.endpoint); err != nil {
		return err
	}
	b.forgetFlows(rec)
	b.ports.release(id)
	if err := os.Remove(b.statePath(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove attachment: %w", err)
	}
	delete(b.records, id)
	return nil
}

// forgetFlows ends the kernel's memory of datagram flows to a container: a
// client that never pauses would be led to the dead address for ever.
func (b *bridge) forgetFlows(rec *record) {
	udp := slices.ContainsFunc(rec.Bindings, func(p Binding) bool { return p.Protocol == "udp" })
	if !udp {
		return
	}
	filter := &netlink.ConntrackFilter{}
	if err := filter.AddIP(netlink.ConntrackReplySrcIP, rec.IP.AsSlice()); err != nil {
		return
	}
	if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, netlink.FAMILY_V4, filter); err != nil {
		b.cfg.Log.Debug("datagram flows not ended", "address", rec.IP, "error", err)
	}
}

func (b *bridge) statePath(id string) string {
	return filepath.Join(b.cfg.RunDir, stateDir, id+".json")
}

func (b *bridge) save(id string, rec *record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode attachment: %w", err)
	}
	path := b.statePath(id)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write attachment: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write attachment: %w", err)
	}
	return nil
}

// load takes up the attachments of an earlier agent.
func (b *bridge) load() error {
	files, err := filepath.Glob(filepath.Join(b.cfg.RunDir, stateDir, "*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".json")
		rec, err := readRecord(file)
		if err != nil || !netns.Mounted(rec.NetNS) || !b.subnet.Contains(rec.IP) {
			b.cfg.Log.Warn("attachment is gone", "container", id, "error", err)
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("remove attachment: %w", err)
			}
			continue
		}
		b.addrs.used[rec.IP] = true
		b.records[id] = rec
		for _, m := range mappings(rec) {
			if err := b.ports.hold(id, hostPort{m.proto, m.host}); err != nil {
				b.cfg.Log.Warn("published port was taken meanwhile", "container", id, "error", err)
			}
		}
	}
	return nil
}

func readRecord(file string) (*record, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var rec record
	return &rec, json.Unmarshal(data, &rec)
}

func (b *bridge) bindings() []mapping {
	var out []mapping
	for _, rec := range b.records {
		out = append(out, mappings(rec)...)
	}
	return out
}

func mappings(rec *record) []mapping {
	out := make([]mapping, 0, len(rec.Bindings))
	for _, p := range rec.Bindings {
		for host, container := range p.pairs {
			out = append(out, mapping{proto: p.Protocol, host: host, ip: rec.IP, port: container})
		}
	}
	return out
}

func (b *bridge) recover(known []string) error {
	var errs []error
	for id := range b.records {
		if !slices.Contains(known, id) {
			errs = append(errs, b.detach(id))
		}
	}
	return errors.Join(append(errs, b.sweep())...)
}

// sweep drops namespaces that belong to no attachment: an earlier agent's
// spares and half-made ones.
func (b *bridge) sweep() error {
	entries, err := os.ReadDir(filepath.Join(b.cfg.RunDir, nsDir))
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	mine := map[string]bool{}
	for _, rec := range b.records {
		mine[rec.Name] = true
	}
	for _, e := range b.pool {
		mine[e.Name] = true
	}
	var errs []error
	for _, entry := range entries {
		if mine[entry.Name()] {
			continue
		}
		errs = append(errs, b.dropLink(entry.Name()), netns.Delete(filepath.Join(b.cfg.RunDir, nsDir, entry.Name())))
	}
	return errors.Join(errs...)
}
