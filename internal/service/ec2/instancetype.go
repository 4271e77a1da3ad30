package ec2

import (
	"strconv"
	"strings"
)

// TypeSpec is what a type of instance has.
type TypeSpec struct {
	Name      string
	VCPUs     int
	MemoryMiB int
}

// family is a line of types. Beyond the burstable families, each size is a
// number of vCPUs and memory is in proportion.
type family struct {
	mibPerVCPU int
	sizes      string // names of the sizes it has
}

// Sizes that many families share.
const (
	toXL4  = "large xlarge 2xlarge 4xlarge "
	toXL24 = toXL4 + "8xlarge 12xlarge 16xlarge 24xlarge "
)

// families are the x86 families of general use (EC2 "Instance type details").
var families = map[string]family{
	"m4":  {4096, "large xlarge 2xlarge 4xlarge 10xlarge 16xlarge"},
	"m5":  {4096, toXL24},
	"m5a": {4096, toXL24},
	"m6i": {4096, toXL24 + "32xlarge"},
	"m6a": {4096, toXL24 + "32xlarge 48xlarge"},
	"m7i": {4096, toXL24 + "48xlarge"},
	"m7a": {4096, "medium " + toXL24 + "32xlarge 48xlarge"},
	"c5":  {2048, toXL4 + "9xlarge 12xlarge 18xlarge 24xlarge"},
	"c5a": {2048, toXL24},
	"c6i": {2048, toXL24 + "32xlarge"},
	"c6a": {2048, toXL24 + "32xlarge 48xlarge"},
	"c7i": {2048, toXL24 + "48xlarge"},
	"c7a": {2048, "medium " + toXL24 + "32xlarge 48xlarge"},
	"r4":  {7808, toXL4 + "8xlarge 16xlarge"},
	"r5":  {8192, toXL24},
	"r5a": {8192, toXL24},
	"r6i": {8192, toXL24 + "32xlarge"},
	"r6a": {8192, toXL24 + "32xlarge 48xlarge"},
	"r7i": {8192, toXL24 + "48xlarge"},
	"r7a": {8192, "medium " + toXL24 + "32xlarge 48xlarge"},
}

// irregular are the types that follow no proportion.
var irregular = []TypeSpec{
	{"t2.nano", 1, 512}, {"t2.micro", 1, 1024}, {"t2.small", 1, 2048}, {"t2.medium", 2, 4096},
	{"t2.large", 2, 8192}, {"t2.xlarge", 4, 16384}, {"t2.2xlarge", 8, 32768},
	{"t3.nano", 2, 512}, {"t3.micro", 2, 1024}, {"t3.small", 2, 2048}, {"t3.medium", 2, 4096},
	{"t3.large", 2, 8192}, {"t3.xlarge", 4, 16384}, {"t3.2xlarge", 8, 32768},
	{"t3a.nano", 2, 512}, {"t3a.micro", 2, 1024}, {"t3a.small", 2, 2048}, {"t3a.medium", 2, 4096},
	{"t3a.large", 2, 8192}, {"t3a.xlarge", 4, 16384}, {"t3a.2xlarge", 8, 32768},
	{"c4.large", 2, 3840}, {"c4.xlarge", 4, 7680}, {"c4.2xlarge", 8, 15360}, {"c4.4xlarge", 16, 30720},
	{"c4.8xlarge", 36, 61440},
}

var instanceTypes = makeTypes()

func makeTypes() map[string]TypeSpec {
	all := map[string]TypeSpec{}
	for _, t := range irregular {
		all[t.Name] = t
	}
	for name, f := range families {
		for size := range strings.FieldsSeq(f.sizes) {
			cpus := vcpus(size)
			all[name+"."+size] = TypeSpec{Name: name + "." + size, VCPUs: cpus, MemoryMiB: cpus * f.mibPerVCPU}
		}
	}
	return all
}

// vcpus of a size: an xlarge is four, an Nxlarge N times that.
func vcpus(size string) int {
	switch size {
	case "medium":
		return 1
	case "large":
		return 2
	case "xlarge":
		return 4
	}
	n, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
	if err != nil {
		panic("ec2: size " + size)
	}
	return 4 * n
}

// InstanceType returns the type with the name, such as "t3.medium".
func InstanceType(name string) (TypeSpec, bool) {
	t, ok := instanceTypes[name]
	return t, ok
}
