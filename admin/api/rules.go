package api

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"kendfs/metadata"
)

// Rule is what the document says about an operation besides its types.
type Rule struct {
	Operation   string
	Method      string
	Path        string // as in the document: /nodes/{id}
	Role        metadata.Role
	Sudo        bool // the password is needed again
	DryRun      bool // it has a dry run, which needs no password
	Handwritten bool // it streams: no bound of time and body
	Params      []Param
	Body        *Schema // of a JSON body; nil: none
	// BodyRequired says that a request without a body is refused.
	BodyRequired bool
}

// Param is a parameter in the query or the path.
type Param struct {
	Name     string
	In       string
	Required bool
	Schema   *Schema
}

// Schema is the part of a JSON schema that is enforced.
type Schema struct {
	Ref        string             `yaml:"$ref"`
	Type       string             `yaml:"type"`
	Enum       []string           `yaml:"enum"`
	MinLength  *int               `yaml:"minLength"`
	MaxLength  *int               `yaml:"maxLength"`
	Minimum    *float64           `yaml:"minimum"`
	Maximum    *float64           `yaml:"maximum"`
	MinItems   *int               `yaml:"minItems"`
	MaxItems   *int               `yaml:"maxItems"`
	Required   []string           `yaml:"required"`
	Items      *Schema            `yaml:"items"`
	Properties map[string]*Schema `yaml:"properties"`
}

// document is the part of OpenAPI that is read.
type document struct {
	Paths      map[string]pathItem `yaml:"paths"`
	Components struct {
		Parameters map[string]parameter `yaml:"parameters"`
		Schemas    map[string]*Schema   `yaml:"schemas"`
	} `yaml:"components"`
}

type pathItem struct {
	Parameters []parameter `yaml:"parameters"`
	Get        *operation  `yaml:"get"`
	Put        *operation  `yaml:"put"`
	Post       *operation  `yaml:"post"`
	Patch      *operation  `yaml:"patch"`
	Delete     *operation  `yaml:"delete"`
}

type operation struct {
	ID          string      `yaml:"operationId"`
	Role        string      `yaml:"x-role"`
	Sudo        bool        `yaml:"x-sudo"`
	Handwritten bool        `yaml:"x-handwritten"`
	Parameters  []parameter `yaml:"parameters"`
	Body        struct {
		Required bool `yaml:"required"`
		Content  map[string]struct {
			Schema *Schema `yaml:"schema"`
		} `yaml:"content"`
	} `yaml:"requestBody"`
}

type parameter struct {
	Ref      string  `yaml:"$ref"`
	Name     string  `yaml:"name"`
	In       string  `yaml:"in"`
	Required bool    `yaml:"required"`
	Schema   *Schema `yaml:"schema"`
}

// Load reads the rules of a document. An operation without a role, or with one
// that is none, is an error.
func Load(text []byte) ([]Rule, error) {
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	var rules []Rule
	for path, item := range doc.Paths {
		for method, op := range map[string]*operation{
			"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if op == nil {
				continue
			}
			r, err := doc.rule(op, item.Parameters)
			if err != nil {
				return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
			}
			r.Method, r.Path = method, path
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func (d *document) rule(op *operation, shared []parameter) (Rule, error) {
	r := Rule{Operation: op.ID, Sudo: op.Sudo, Handwritten: op.Handwritten, BodyRequired: op.Body.Required}
	switch role, err := metadata.ParseRole(op.Role); {
	case op.ID == "":
		return r, fmt.Errorf("it has no operationId")
	case op.Role == "none":
	case err != nil:
		return r, fmt.Errorf("x-role: %w", err)
	default:
		r.Role = role
	}
	for _, p := range append(shared[:len(shared):len(shared)], op.Parameters...) {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			p = d.Components.Parameters[name]
		}
		if p.Name == "dry_run" {
			r.DryRun = true
		}
		schema, err := d.resolve(p.Schema, 0)
		if err != nil {
			return r, err
		}
		if schema == nil || schema.Type == "array" && schema.Items == nil {
			return r, fmt.Errorf("the parameter %s has no type", p.Name)
		}
		r.Params = append(r.Params, Param{p.Name, p.In, p.Required, schema})
	}
	var err error
	r.Body, err = d.resolve(op.Body.Content["application/json"].Schema, 0)
	return r, err
}

// depthMax bounds references that refer to references.
const depthMax = 16

// resolve replaces references by what they refer to.
func (d *document) resolve(s *Schema, depth int) (*Schema, error) {
	if s == nil {
		return nil, nil
	}
	if depth > depthMax {
		return nil, fmt.Errorf("its schema refers to itself")
	}
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		to := d.Components.Schemas[name]
		if to == nil {
			return nil, fmt.Errorf("there is no schema %s", s.Ref)
		}
		return d.resolve(to, depth+1)
	}
	out := *s
	var err error
	if out.Items, err = d.resolve(s.Items, depth+1); err != nil {
		return nil, err
	}
	out.Properties = map[string]*Schema{}
	for name, p := range s.Properties {
		if out.Properties[name], err = d.resolve(p, depth+1); err != nil {
			return nil, err
		}
	}
	return &out, nil
}
