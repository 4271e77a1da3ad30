package query

import "strings"

type subjectKind int

const (
	attribute subjectKind = iota
	agentConnected
	agentVersion
	ec2InstanceID
	registeredAt
	runningTasksCount
	taskGroup
)

// subject is the left side of a comparison.
type subject struct {
	kind subjectKind
	name string // as written: attribute:NAME whole
}

const attributePrefix = "attribute:"

var subjects = map[string]subjectKind{
	"agentConnected":    agentConnected,
	"agentVersion":      agentVersion,
	"ec2InstanceId":     ec2InstanceID,
	"registeredAt":      registeredAt,
	"runningTasksCount": runningTasksCount,
	"task:group":        taskGroup,
}

const wantSubject = "a subject (agentConnected, agentVersion, attribute:NAME, ec2InstanceId, registeredAt, " +
	"runningTasksCount or task:group)"

func (p *parser) subject() (subject, error) {
	p.skipSpace()
	start, end := p.pos, p.pos
	for end < len(p.src) && (isNameByte(p.src[end]) || p.src[end] == ':') {
		end++
	}
	word := p.src[start:end]
	p.pos = end
	if name, ok := strings.CutPrefix(word, attributePrefix); ok {
		if len(name) == 0 || len(name) > maxName || strings.Contains(name, ":") {
			return subject{}, p.errorAt(start+len(attributePrefix), end,
				`an attribute name (1 to 128 letters, digits, "_", ".", "/", "\" or "-")`)
		}
		return subject{attribute, word}, nil
	}
	kind, ok := subjects[word]
	if !ok {
		return subject{}, p.errorAt(start, end, wantSubject)
	}
	return subject{kind, word}, nil
}

// Lengths of an attribute's name and value (Attribute in the ECS API reference).
const (
	maxName  = 128
	maxValue = 128
)

// isNameByte reports whether c may stand in an attribute's name.
func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(`_./\-`, c) >= 0
}

// isBare reports whether c may stand in a value without quotes; + is for the offsets of dates.
func isBare(c byte) bool { return isNameByte(c) || c == '@' || c == ':' || c == '+' }
