package stats

import (
	"time"

	"github.com/slipway/slipway/internal/agent/runtime"
)

// Docker is a sample in the shape of GET /containers/{id}/stats (Docker Engine
// API), with what the ECS agent adds. Times are nanoseconds, sizes bytes.
type Docker struct {
	Read         time.Time          `json:"read"`
	PreRead      time.Time          `json:"preread"`
	PidsStats    Pids               `json:"pids_stats"`
	BlkioStats   Blkio              `json:"blkio_stats"`
	NumProcs     uint32             `json:"num_procs"`     // Windows only
	StorageStats struct{}           `json:"storage_stats"` // Windows only
	CPUStats     CPU                `json:"cpu_stats"`
	PreCPUStats  CPU                `json:"precpu_stats"`
	MemoryStats  Memory             `json:"memory_stats"`
	Name         string             `json:"name"`
	ID           string             `json:"id"`
	Networks     map[string]Network `json:"networks,omitempty"`
	// NetworkRate is absent before the second sample.
	NetworkRate *NetworkRate `json:"network_rate_stats,omitempty"`
}

// Pids is the number of processes.
type Pids struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"` // 0: none
}

// Blkio is what went to and from disks. Entries are sums over all devices, which
// device 0:0 stands for. A list that the kernel's interface has not is null with
// cgroup v2 and empty with v1, as Docker answers.
type Blkio struct {
	IoServiceBytesRecursive []BlkioEntry `json:"io_service_bytes_recursive"`
	IoServicedRecursive     []BlkioEntry `json:"io_serviced_recursive"`
	IoQueueRecursive        []BlkioEntry `json:"io_queue_recursive"`
	IoServiceTimeRecursive  []BlkioEntry `json:"io_service_time_recursive"`
	IoWaitTimeRecursive     []BlkioEntry `json:"io_wait_time_recursive"`
	IoMergedRecursive       []BlkioEntry `json:"io_merged_recursive"`
	IoTimeRecursive         []BlkioEntry `json:"io_time_recursive"`
	SectorsRecursive        []BlkioEntry `json:"sectors_recursive"`
}

// BlkioEntry is one counter of a device.
type BlkioEntry struct {
	Major uint64 `json:"major"`
	Minor uint64 `json:"minor"`
	Op    string `json:"op"`
	Value uint64 `json:"value"`
}

// CPU is the time used since the start of the container.
type CPU struct {
	CPUUsage       CPUUsage   `json:"cpu_usage"`
	SystemCPUUsage uint64     `json:"system_cpu_usage,omitempty"`
	OnlineCPUs     int        `json:"online_cpus,omitempty"`
	ThrottlingData Throttling `json:"throttling_data"`
}

// CPUUsage is a part of CPU.
type CPUUsage struct {
	TotalUsage        uint64   `json:"total_usage"`
	PercpuUsage       []uint64 `json:"percpu_usage,omitempty"` // cgroup v1 only
	UsageInKernelmode uint64   `json:"usage_in_kernelmode"`
	UsageInUsermode   uint64   `json:"usage_in_usermode"`
}

// Throttling is a part of CPU.
type Throttling struct {
	Periods          uint64 `json:"periods"`
	ThrottledPeriods uint64 `json:"throttled_periods"`
	ThrottledTime    uint64 `json:"throttled_time"`
}

// Memory is the memory in use; the names in Stats are the kernel's.
type Memory struct {
	Usage    uint64            `json:"usage,omitempty"`
	MaxUsage uint64            `json:"max_usage,omitempty"` // cgroup v1 only
	Stats    map[string]uint64 `json:"stats,omitempty"`
	Failcnt  uint64            `json:"failcnt,omitempty"`
	Limit    uint64            `json:"limit,omitempty"`
}

// Network is the traffic of one interface.
type Network struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// NetworkRate is the traffic of all interfaces per second.
type NetworkRate struct {
	RxBytesPerSec float64 `json:"rx_bytes_per_sec"`
	TxBytesPerSec float64 `json:"tx_bytes_per_sec"`
}

// docker writes a sample and the one before it, which may be zero.
func docker(id, name string, u, before runtime.Usage) *Docker {
	d := &Docker{
		Read: u.At.UTC(), PreRead: before.At.UTC(), Name: "/" + name, ID: id,
		PidsStats:   Pids{Current: u.Pids, Limit: u.PidsLimit},
		BlkioStats:  blkio(u),
		CPUStats:    cpu(u),
		PreCPUStats: cpu(before),
		MemoryStats: Memory{Usage: u.MemoryUsage, Stats: u.MemoryStats, Failcnt: u.MemoryFailcnt, Limit: u.MemoryLimit},
	}
	if v1(u) {
		d.MemoryStats.MaxUsage = u.MemoryMax
	}
	for name, n := range u.Networks {
		if d.Networks == nil {
			d.Networks = make(map[string]Network, len(u.Networks))
		}
		d.Networks[name] = Network(n)
	}
	return d
}

// v1 tells the two versions of cgroups apart: only the first counts by CPU.
func v1(u runtime.Usage) bool { return u.PerCPU != nil }

func cpu(u runtime.Usage) CPU {
	c := CPU{
		CPUUsage: CPUUsage{
			TotalUsage: uint64(u.CPUTotal), UsageInKernelmode: uint64(u.CPUSystem), UsageInUsermode: uint64(u.CPUUser),
		},
		SystemCPUUsage: uint64(u.SystemCPU), OnlineCPUs: u.OnlineCPUs,
		ThrottlingData: Throttling{Periods: u.Periods, ThrottledPeriods: u.ThrottledPeriods, ThrottledTime: uint64(u.ThrottledTime)},
	}
	for _, d := range u.PerCPU {
		c.CPUUsage.PercpuUsage = append(c.CPUUsage.PercpuUsage, uint64(d))
	}
	return c
}

func blkio(u runtime.Usage) Blkio {
	if !v1(u) {
		return Blkio{IoServiceBytesRecursive: entries(nil, "read", u.ReadBytes, "write", u.WriteBytes)}
	}
	none := []BlkioEntry{}
	return Blkio{
		IoServiceBytesRecursive: entries(none, "Read", u.ReadBytes, "Write", u.WriteBytes),
		IoServicedRecursive:     entries(none, "Read", u.ReadOps, "Write", u.WriteOps),
		IoQueueRecursive:        none, IoServiceTimeRecursive: none, IoWaitTimeRecursive: none,
		IoMergedRecursive: none, IoTimeRecursive: none, SectorsRecursive: none,
	}
}

// entries leaves out disks that were never touched.
func entries(none []BlkioEntry, read string, r uint64, write string, w uint64) []BlkioEntry {
	if r+w == 0 {
		return none
	}
	return []BlkioEntry{{Op: read, Value: r}, {Op: write, Value: w}}
}
