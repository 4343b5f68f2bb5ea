package check

import (
	"strings"

	"mqtt/internal/proto"
)

// topicMutants are faults in how a server compares topics with filters.
var topicMutants = []mutant{
	{name: "delivers to everybody", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if !strings.HasPrefix(p.Filters[i].Filter, "$") && proto.CheckFilter(p.Filters[i].Filter) == nil {
				p.Filters[i].Filter = "#"
			}
		}
	})},
	{name: "grants every filter", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if proto.CheckFilter(p.Filters[i].Filter) != nil {
				p.Filters[i].Filter = "mqtt-check-granted"
			}
		}
	})},
	{name: "ignores wildcards", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].Filter = strings.NewReplacer("+", "plus", "#", "hash").Replace(p.Filters[i].Filter)
		}
	})},
	{name: "delivers topics with $ for wildcards", in: change(func(p *proto.Publish) {
		if len(p.Topic) > 0 && p.Topic[0] == '$' {
			p.Topic = p.Topic[1:]
		}
	}), out: change(func(p *proto.Publish) {
		if strings.HasPrefix(string(p.Payload), "hidden") {
			p.Topic = append([]byte("$"), p.Topic...)
		}
	})},
	{name: "changes topics to lower case", in: change(func(p *proto.Publish) { p.Topic = []byte(strings.ToLower(string(p.Topic))) }),
		out: change(func(*proto.Subscribe) {})},
	{name: "normalizes topics", in: func(_ *link, p proto.Packet) []proto.Packet {
		clean := func(s string) string {
			s = strings.NewReplacer("//", "/", "e\u0301", "\u00e9", "\ufeff", "", "  ", " ").Replace(s)
			return strings.ToLower(strings.TrimPrefix(s, "/"))
		}
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(clean(string(a.Topic)))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = clean(a.Filters[i].Filter)
			}
		}
		return []proto.Packet{p}
	}},
	{name: "ends the subscription of a similar filter", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters {
			p.Filters[i] = strings.ReplaceAll(p.Filters[i], "+", "b")
		}
	})},
	{name: "matches # with children only", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if f := p.Filters[i].Filter; strings.HasSuffix(f, "/#") && !strings.Contains(f, "$") {
				p.Filters[i].Filter = strings.TrimSuffix(f, "#") + "+/#"
			}
		}
	}), v5: "MQTT-4.7.1-1", v311: "MQTT-4.7.1-2", also: "wildcard-hash"},
	{name: "matches several levels with +", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if f := p.Filters[i].Filter; strings.HasSuffix(f, "/+") && proto.CheckFilter(f) == nil {
				p.Filters[i].Filter = strings.TrimSuffix(f, "+") + "#"
			}
		}
	}), v5: "MQTT-4.7.1-2", v311: "MQTT-4.7.1-3", also: "wildcard-plus"},
	{name: "removes U+FEFF", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(strings.ReplaceAll(string(a.Topic), "\ufeff", ""))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = strings.ReplaceAll(a.Filters[i].Filter, "\ufeff", "")
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-1.5.4-3", v311: "MQTT-1.5.3-3"},
	{name: "compares without case", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(strings.ToLower(string(a.Topic)))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = strings.ToLower(a.Filters[i].Filter)
			}
		}
		return []proto.Packet{p}
	}, v5: "MQTT-4.7.3-4", v311: "MQTT-4.7.3-4"},
	{name: "ends subscriptions that only begin alike", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters {
			if f := p.Filters[i]; strings.HasSuffix(f, "/#") || strings.HasSuffix(f, "/+") {
				p.Filters[i] = f[:len(f)-1] + "b"
			}
		}
	}), v5: "MQTT-3.10.4-1", v311: "MQTT-3.10.4-1"},
}
