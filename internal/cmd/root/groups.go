package root

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Group is a part of a command's flags under one title.
type Group struct {
	Title string
	Flags []*pflag.Flag
}

// The titles of the groups that all clients have.
const (
	groupServer     = "Server"
	groupIdentity   = "Identity"
	groupSession    = "Session and reconnecting"
	groupWill       = "Will"
	groupProperties = "Properties"
	groupTLS        = "TLS"
	groupProfiles   = "Profiles and options files"
	groupOutput     = "Diagnostics"
)

// titles returns the titles of groups by the flag that each begins with; COMMAND FLAG wins over FLAG.
func titles() map[string]string {
	return map[string]string{
		"mqtt pub topic": "Message", "mqtt sub topic": "Subscription", "mqtt rr topic": "Request", "mqtt ping count": "Round trips",
		"mqtt bench pubs": "Load", "mqtt bench conn clients": "Load", "rate": "Pace", "credentials": "Clients",
		"mqtt bench out": "Result", "mqtt bench conn out": "Result", "mqtt bench report out": "Result", "mqtt bench compare out": "Result",
		"mqtt check version": "Cases", "mqtt check verbose": "Run and result", "mqtt check second-user": "More cases",
		"mqtt sub count": "When to end", "mqtt sub parallel": "Command", "retained-only": "Retained messages", "verbose": "Output",
		"mqtt broker listen": "Listening", "mqtt broker host": "", "mqtt broker cert": groupTLS,
		"mqtt broker ready-file": "Readiness", "mqtt broker metrics": "Metrics and log", "mqtt broker passwords": "Access",
		"mqtt broker data": "Data",
		"mqtt proxy to":    "Server", "mqtt proxy listen": "Listening", "mqtt proxy to-cafile": "TLS to the server", "mqtt proxy cert": "TLS to the clients",
		"mqtt proxy json": "Packets", "mqtt proxy fault": "Faults and control", "mqtt proxy ready-file": "Readiness", "mqtt broker max-connections": "What clients may do",
		"mqtt broker max-queued-messages": "Queues and memory", "mqtt broker fault": "Faults",
		"host": groupServer, "id": groupIdentity, "keepalive": groupSession, "will-topic": groupWill, "property": groupProperties,
		"tls": groupTLS, "profile": groupProfiles, "debug": groupOutput,
	}
}

// sharedGroup reports whether a group has flags that all clients share, so that the short help
// leaves it to a topic.
func sharedGroup(title string) bool {
	switch title {
	case groupServer, groupIdentity, groupSession, groupWill, groupProperties, groupTLS, groupProfiles, groupOutput:
		return true
	}
	return false
}

// Groups returns the flags that a command's help lists, in groups and in the order of registration.
func Groups(c *cobra.Command) []Group {
	var groups []Group
	known := titles()
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		title, ok := known[c.CommandPath()+" "+f.Name]
		if !ok {
			title = known[f.Name]
		}
		switch {
		case title == "" && len(groups) == 0:
			title = "Flags"
			fallthrough
		case title != "":
			groups = append(groups, Group{Title: title})
		}
		last := &groups[len(groups)-1]
		last.Flags = append(last.Flags, f)
	})
	return groups
}

// everyday lists the flags of a connection that most people need.
var everyday = [...]string{"host", "port", "url", "username", "password-file", "tls", "cafile", "id", "reconnect", "debug"}

// shortGroups returns the groups of the short help: what the command does itself, and the everyday
// flags of its connection. A command without profiles has no connection, and all of its groups.
func shortGroups(c *cobra.Command) []Group {
	all := Groups(c)
	if c.Flags().Lookup("profile") == nil {
		return all
	}
	var own []Group
	for _, g := range all {
		if !sharedGroup(g.Title) {
			own = append(own, g)
		}
	}
	few := Group{Title: "Connection"}
	for _, name := range everyday {
		if f := c.Flags().Lookup(name); f != nil {
			few.Flags = append(few.Flags, f)
		}
	}
	return append(own, few)
}

// DefaultOf returns the default of a flag, "" if it is not worth mentioning.
func DefaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]":
		return ""
	case "0":
		if f.Name != "qos" && f.Name != "will-qos" {
			return ""
		}
	}
	if strings.TrimSpace(f.DefValue) == "" || strings.Contains(f.Usage, "default") {
		return ""
	}
	return f.DefValue
}
