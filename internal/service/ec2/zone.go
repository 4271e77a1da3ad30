package ec2

import "strings"

// Zone is an Availability Zone.
type Zone struct {
	Name string // us-east-1a
	ID   string // use1-az1
}

// Zones returns the three zones of a region, in order. AWS shuffles names
// against ids per account; here zone a is az1.
func Zones(region string) [3]Zone {
	var zones [3]Zone
	for i := range zones {
		zones[i] = Zone{
			Name: region + string(rune('a'+i)),
			ID:   shortRegion(region) + "-az" + string(rune('1'+i)),
		}
	}
	return zones
}

var directions = map[string]string{
	"north": "n", "south": "s", "east": "e", "west": "w", "central": "c",
	"northeast": "ne", "southeast": "se", "northwest": "nw", "southwest": "sw", "gov": "g",
}

// shortRegion abbreviates a region as zone ids do: use1 for us-east-1, apse2 for
// ap-southeast-2, usgw1 for us-gov-west-1.
func shortRegion(region string) string {
	parts := strings.Split(region, "-")
	for i, part := range parts {
		if short, ok := directions[part]; ok && i > 0 {
			parts[i] = short
		}
	}
	return strings.Join(parts, "")
}
