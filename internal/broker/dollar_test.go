package broker

import (
	"log/slog"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// dollarRights allows everyone everything but to write $aws/secret.
type dollarRights struct{}

func (dollarRights) Allow(_ *Identity, topic string, access Access) bool {
	return access != Write || topic != "$aws/secret"
}

// Topics below $aws and $iothub are like others, with rights, wills and retained messages, if
// Options lists them. Wildcards at the first level do not match them [MQTT-4.7.2-1].
func TestDollarTopics(t *testing.T) {
	everyVersion(t, Options{DollarTopics: []string{"$aws", "$iothub"}, ACL: dollarRights{}}, func(k *bench, v proto.Version) {
		all, some, shared := k.connect(v, "all"), k.connect(v, "some"), k.connect(v, "shared")
		all.subscribe(to("#", 0), to("+/x", 0), to("$share/g/#", 0))
		some.subscribe(to("$aws/+", 0), to("$iothub/#", 0))
		shared.subscribe(to("$share/g/$aws/#", 0))
		p := k.connect(v, "p", willed("$aws/will", "gone"))
		p.send(pub("$aws/x", "m", 1, 1, retain), pub("$iothub", "n", 0, 0))
		p.want("PUBACK 1")
		some.want(`PUBLISH $aws/x "m"`, `PUBLISH $iothub "n"`)
		shared.want(`PUBLISH $aws/x "m"`)
		p.send(pub("$aws/secret", "m", 1, 2), pub("$other/x", "m", 1, 3), pub("$awsx", "m", 1, 4), pub("$share/x", "m", 1, 5), pub("$SYS/x", "m", 1, 6))
		if v == proto.V5 {
			p.want("PUBACK 2 87 why", "PUBACK 3 90 why", "PUBACK 4 90 why", "PUBACK 5 90 why", "PUBACK 6 90 why")
		}
		p.cut()
		some.want(`PUBLISH $aws/will "gone"`)
		some.silent()
		all.silent()
		late := k.connect(v, "late")
		late.send(sub(1, to("#", 0)), sub(2, to("$aws/#", 0)))
		late.want("SUBACK 1 00", "SUBACK 2 00", `PUBLISH $aws/x "m" retain`)
		late.silent()
	})
}

// If they are not listed, a message to them is refused, and logged once a minute for each client.
func TestDollarTopicsAreRefused(t *testing.T) {
	log, logger := logTo(slog.LevelWarn)
	in(t, Options{Log: logger}, func(k *bench) {
		s := k.connect(proto.V5, "s")
		s.subscribe(to("$aws/#", 0))
		for _, v := range []proto.Version{proto.V311, proto.V5} {
			p := k.connect(v, "p", user("ann"))
			p.send(pub("$aws/x", "m", 1, 1), pub("$aws/x", "m", 0, 0), pub("$SYS/x", "m", 0, 0))
			if v == proto.V5 {
				p.want("PUBACK 1 90 why")
			}
		}
		s.silent()
		if n := len(log.lines(`msg="topics that begin with $ are refused"`, "client=p", "user=ann", "topic=$aws/x")); n != 2 || len(log.lines("")) != 2 {
			t.Errorf("%d lines of two clients\n%s", n, log.b.String())
		}
		k.pass(time.Second)
		k.open(proto.V5, "w", willed("$aws/will", "m")).want("CONNACK 90 why")
	})
}

func TestCheckDollarTopic(t *testing.T) {
	for prefix, good := range map[string]bool{
		"$aws": true, "$iothub": true, "$": false, "": false, "aws": false, "$aws/x": false, "$SYS": false, "$share": false, "$a+": false, "$#": false, "$a\x00": false,
	} {
		if err := CheckDollarTopic(prefix); (err == nil) != good {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
