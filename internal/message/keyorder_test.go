package message

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestQueryKeyOrder checks that the keys of objects have the order that jq prints.
func TestQueryKeyOrder(t *testing.T) {
	for _, k := range []struct{ expr, in, want string }{
		{".a+=1", `{"z":1,"a":2}`, `{"z":1,"a":3}`},
		{".", `{"z":1,"a":2}`, `{"z":1,"a":2}`},
		{". ", `{"z":1, "a":2}`, `{"z":1,"a":2}`},
		{".b=1 | .c=2 | .aa=3", `{"z":1,"a":2}`, `{"z":1,"a":2,"b":1,"c":2,"aa":3}`},
		{".[0].n=5", `[{"z":1,"a":2},{"a":1,"z":2}]`, `[{"z":1,"a":2,"n":5},{"a":1,"z":2}]`},
		{".x.b=1", `{"y":{"b":1,"a":2},"x":{"z":1,"b":2,"a":3}}`, `{"y":{"b":1,"a":2},"x":{"z":1,"b":1,"a":3}}`},
		{"del(.m)", `{"z":1,"m":3,"a":2}`, `{"z":1,"a":2}`},
		{"{z,a}", `{"a":1,"z":2}`, `{"z":2,"a":1}`},
		{"{b: .z, a: {y: 1, x: 2}}", `{"z":1}`, `{"b":1,"a":{"y":1,"x":2}}`},
		{`. + {"q": 1, "c": 2}`, `{"z":1,"a":2}`, `{"z":1,"a":2,"q":1,"c":2}`},
		{`. + {a: 1, z: 2}`, `{"z":1,"a":2}`, `{"z":2,"a":1}`},
		{".x + .y", `{"x":{"d":1,"c":2},"y":{"b":1,"a":2,"e":3}}`, `{"d":1,"c":2,"b":1,"a":2,"e":3}`},
		{"map_values(.+1)", `{"z":1,"a":2}`, `{"z":2,"a":3}`},
		{"with_entries(.value += 1)", `{"z":1,"a":2}`, `{"z":2,"a":3}`},
		{"map(.t *= 2)", `[{"z":1,"t":2},{"t":3,"a":1}]`, `[{"z":1,"t":4},{"t":6,"a":1}]`},
		{".[]", `[{"z":1,"a":2}]`, `{"z":1,"a":2}`},
		{".n", `{"n":{"z":12345678901234567890,"a":1.10}}`, `{"z":12345678901234567890,"a":1.10}`},
		{".c=1", `{"z":1,"a":2,"z":3}`, `{"z":3,"a":2,"c":1}`},
		{`."k k"=1|.["j"+"j"]=2`, `{"z":{"y":1,"b":2},"a":2}`, `{"z":{"y":1,"b":2},"a":2,"k k":1,"jj":2}`},
	} {
		q, err := NewQuery("--jq", k.expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Run(t.Context(), []byte(k.in))
		if err != nil || string(bytes.Join(got, []byte(" "))) != k.want {
			t.Errorf("%s of %s: %s (%v), want %s", k.expr, k.in, got, err, k.want)
		}
	}
}

// TestQueryOrderInside pins what the documents say: inside an expression keys come in alphabetical order.
func TestQueryOrderInside(t *testing.T) {
	for expr, want := range map[string]string{
		"[.[]]": `[2,{"y":1,"x":2}]`, "map(.)": `[2,{"y":1,"x":2}]`, "[paths]": `[["a"],["z"],["z","x"],["z","y"]]`,
		"[to_entries[].key]": `["a","z"]`, "keys_unsorted": `["a","z"]`, "[..|numbers]": `[2,2,1]`, "[3,4]|keys_unsorted": `[0,1]`,
		"tojson": `"{\"a\":2,\"z\":{\"x\":2,\"y\":1}}"`, "@json": `"{\"a\":2,\"z\":{\"x\":2,\"y\":1}}"`, `"\(.)"`: `"{\"a\":2,\"z\":{\"x\":2,\"y\":1}}"`,
		"tostring": `"{\"a\":2,\"z\":{\"x\":2,\"y\":1}}"`, "with_entries(.)": `{"z":{"y":1,"x":2},"a":2}`,
	} {
		got, err := compiled(t, expr).Run(t.Context(), []byte(`{"z":{"y":1,"x":2},"a":2}`))
		if err != nil || string(bytes.Join(got, []byte(" "))) != want {
			t.Errorf("%s: %s (%v), want %s", expr, got, err, want)
		}
	}
	if _, err := compiled(t, "keys_unsorted").Run(t.Context(), []byte("1")); err == nil {
		t.Error("a number has no keys")
	}
}

// TestQueryRaw checks that only strings lose their quotes.
func TestQueryRaw(t *testing.T) {
	for _, k := range []struct{ expr, in, want string }{
		{".", `"a\"b\n"`, "a\"b\n"}, {".s", `{"s":"é\u0000"}`, "é\x00"}, {".", `{"s":"x"}`, `{"s":"x"}`},
		{".[]", `["a",1,null,["b"]]`, `a 1 null ["b"]`},
	} {
		q, err := NewQuery("--jq", k.expr)
		if err != nil {
			t.Fatal(err)
		}
		q.Raw = true
		if got, err := q.Run(t.Context(), []byte(k.in)); err != nil || string(bytes.Join(got, []byte(" "))) != k.want {
			t.Errorf("%s of %s: %q (%v)", k.expr, k.in, got, err)
		}
	}
}

// TestManyShapes checks that the work for a payload of many different objects is bounded.
func TestManyShapes(t *testing.T) {
	var b strings.Builder
	b.WriteString("[")
	for i := range 3000 {
		fmt.Fprintf(&b, `{"z%d":1,"b":2,"a%d":3},`, i, i)
	}
	b.WriteString(`{"z":1,"a":2}]`)
	q, err := NewQuery("--jq", "map(.n=1)")
	if err != nil {
		t.Fatal(err)
	}
	got, err := q.Run(t.Context(), []byte(b.String()))
	if err != nil || !strings.HasPrefix(string(got[0]), `[{"z0":1,"b":2,"a0":3,"n":1}`) {
		t.Errorf("%.100s %v", got, err)
	}
}

// TestQueryKeyOrderOfJq compares with jq, if there is one.
func TestQueryKeyOrderOfJq(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq")
	}
	const in = `{"z":1,"m":{"y":1,"b":2},"a":2,"list":[{"t":1,"id":"x"},{"id":"y","t":2}]}`
	for _, expr := range []string{".", ".a+=1", ".b=1 | .c=2 | .aa=3", "del(.m)", "{z,a}", "{z,a,k:{y:1,b:2}}", ". + {a: 1, z: 2}", "{q:.z} + .", "{} + .", "{}+{}", `. * {"m":{"q":1}}`,
		".m.x=1", "to_entries|from_entries", ".m as $x | {$x, k:1}", "{b:1}+{a:2}", ".m=null|.l=1", ".list|map(.t+=1)", ".list|map({id,t})",
		`walk(if type=="number" then .+1 else . end)`, "[.m, .list[]]", "del(.z,.a)|.zz=.m", ".m|with_entries(.value+=1)",
		"{m}+{z}", ".list[1].extra={u:1,c:2}", "[.list[]|{id, v:.t, a:1}]", "if .z==1 then .a=7 else . end", ".list|sort_by(.t)|reverse", "[paths]|length"} {
		cmd := exec.Command("jq", "-c", expr)
		cmd.Stdin = strings.NewReader(in)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(expr, err)
		}
		q, err := NewQuery("--jq", expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Run(t.Context(), []byte(in))
		if all := string(bytes.Join(got, []byte("\n"))); err != nil || all != strings.TrimSpace(string(want)) {
			t.Errorf("%s: %s (%v)\njq: %s", expr, all, err, want)
		}
	}
}
