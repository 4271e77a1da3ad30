package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// model is the part of a service model that matters here.
type model struct {
	Metadata struct {
		APIVersion     string   `json:"apiVersion"`
		EndpointPrefix string   `json:"endpointPrefix"`
		JSONVersion    string   `json:"jsonVersion"`
		Protocol       string   `json:"protocol"`
		Protocols      []string `json:"protocols"`
		ServiceName    string   `json:"serviceFullName"`
		SigningName    string   `json:"signingName"`
		TargetPrefix   string   `json:"targetPrefix"`
		XMLNamespace   string   `json:"xmlNamespace"`
	} `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shapeDef  `json:"shapes"`
}

type operation struct {
	Input  *ref  `json:"input"`
	Output *ref  `json:"output"`
	Errors []ref `json:"errors"`
}

// ref is a use of a shape.
type ref struct {
	Shape        string `json:"shape"`
	LocationName string `json:"locationName"`
	QueryName    string `json:"queryName"`
	Flattened    bool   `json:"flattened"`
}

type shapeDef struct {
	Type      string          `json:"type"`
	Members   map[string]*ref `json:"members"`
	Required  []string        `json:"required"`
	Member    *ref            `json:"member"`
	Key       *ref            `json:"key"`
	Value     *ref            `json:"value"`
	Enum      []string        `json:"enum"`
	Min       *float64        `json:"min"`
	Max       *float64        `json:"max"`
	Pattern   string          `json:"pattern"`
	Flattened bool            `json:"flattened"`
	Document  bool            `json:"document"`
	Fault     bool            `json:"fault"`
	Error     *struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
		Sender *bool  `json:"senderFault"`
	} `json:"error"`
}

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	var m model
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("parse model %s: %w", path, err)
	}
	return &m, nil
}

// shape finds a shape by name.
func (m *model) shape(name string) (*shapeDef, error) {
	s, ok := m.Shapes[name]
	if !ok {
		return nil, fmt.Errorf("no shape %q in the model", name)
	}
	return s, nil
}
