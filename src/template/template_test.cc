#include "template/template.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haumea::text_template {
namespace {

// A row like those of the sink tests: numbers are floats, as JSON gives them.
Value TestRow(Arena& arena) {
    const auto object = [&arena](std::vector<Field> fields) {
        Field* copy = arena.AllocateArray<Field>(fields.size());
        std::copy(fields.begin(), fields.end(), copy);
        return Value::Object({copy, SortFields({copy, fields.size()})});
    };
    const auto list = [&arena](std::vector<Value> items) {
        Value* copy = arena.AllocateArray<Value>(items.size());
        std::copy(items.begin(), items.end(), copy);
        return Value::Array({copy, items.size()});
    };
    const Value nested = object({{"y", Value::Double(9)}});
    return object({{"a", Value::Double(1)},
                   {"f", Value::Double(1.5)},
                   {"mil", Value::Double(1e6)},
                   {"i", Value::Int(7)},
                   {"s", Value::String("Hello World")},
                   {"e", Value::String("")},
                   {"t", Value::Bool(true)},
                   {"b", Value::Bool(false)},
                   {"n", Value::Null()},
                   {"arr", list({Value::Double(1), Value::Double(2), Value::Double(3)})},
                   {"mixed", list({Value::Double(1), Value::String("x"), Value::Null(), nested})},
                   {"none", list({})},
                   {"o", object({{"k", Value::String("v")}, {"n", Value::Null()}, {"z", nested}})},
                   {"d", Value::Datetime(1577934245500000000)}});
}

struct Outcome {
    bool ok;
    std::string text;  // output, or the error of parsing or executing
};

Outcome Expand(const std::string& source, const Limits& limits = {}) {
    auto parsed = Template::Parse(source);
    if (!parsed) {
        return {false, parsed.error().message};
    }
    Arena arena;
    BufferBuilder out;
    std::string error;
    const bool ok = (*parsed)->Execute(TestRow(arena), arena, out, error, limits);
    return {ok, ok ? std::string(out.view()) : error};
}

struct Case {
    const char* source;
    const char* output;
};

class Outputs : public testing::TestWithParam<Case> {};
TEST_P(Outputs, AreThoseOfGo) {
    const Outcome outcome = Expand(GetParam().source);
    EXPECT_TRUE(outcome.ok) << outcome.text;
    EXPECT_EQ(outcome.text, GetParam().output);
}

INSTANTIATE_TEST_SUITE_P(
    Printing, Outputs,
    testing::Values(
        Case{"{{.a}} {{.f}} {{.mil}}", "1 1.5 1e+06"}, Case{"{{.s}}|{{.e}}", "Hello World|"},
        Case{"{{.nope}} {{.n}} {{.nope.x.y}}", "<no value> <no value> <no value>"},
        Case{"{{.mixed}} {{.o}} {{.none}}", "[1 x <nil> map[y:9]] map[k:v n:<nil> z:map[y:9]] []"},
        Case{"{{\"lit\"}} {{`raw \"x\"`}} {{5}} {{2.5}} {{true}} {{'a'}} {{1e3}} {{0x10}} {{-4}} {{1_000}}",
             "lit raw \"x\" 5 2.5 true 97 1000 16 -4 1000"},
        Case{"{{.d}} {{.d.Year}} {{.d.Format \"2006-01-02\"}}",
             "2020-01-02 03:04:05.5 +0000 UTC 2020 2020-01-02"},
        Case{"{{print 1 2 \"a\"}} {{println 1 \"b\"}}", "1 2a 1 b\n"}));

INSTANTIATE_TEST_SUITE_P(Spaces, Outputs,
                         testing::Values(Case{" x {{- .a -}} y", " x1y"},
                                         Case{"{{- range .arr -}}\n{{.}}\n{{- end -}}", "123"},
                                         Case{"{{/* a\nb */}}x", "x"}, Case{"a {{- /* c */ -}} b", "ab"},
                                         Case{"{{ .s\n}}", "Hello World"},
                                         Case{"{{ \"{{\" }} {{ \"}}\" }}", "{{ }}"}, Case{"", ""}));

INSTANTIATE_TEST_SUITE_P(
    Flow, Outputs,
    testing::Values(Case{"{{if .b}}yes{{else}}no{{end}}{{if .nope}}yes{{else if .t}}elif{{end}}", "noelif"},
                    Case{"{{range $i, $v := .arr}}{{$i}}={{$v}},{{end}}", "0=1,1=2,2=3,"},
                    Case{"{{range .none}}x{{else}}empty{{end}}", "empty"},
                    Case{"{{range 3}}{{.}}{{end}}", "012"},
                    Case{"{{range .arr}}{{if eq . 2.0}}{{continue}}{{end}}{{.}}{{end}}", "13"},
                    Case{"{{range .arr}}{{if eq . 2.0}}{{break}}{{end}}{{.}}{{end}}", "1"},
                    Case{"{{range $k, $v := .o.z}}{{$k}}{{$v}}{{end}}", "y9"},
                    Case{"{{range .arr}}{{$.a}}{{end}}", "111"},
                    Case{"{{with .o}}{{.k}}{{end}}{{with .nope}}x{{else}}none{{end}}", "vnone"},
                    Case{"{{$x := .a}}{{if .t}}{{$x = 9}}{{end}}{{$x}}", "9"},
                    Case{"{{$x := 1}}{{range .arr}}{{$x := .}}{{end}}{{$x}}", "1"},
                    Case{"{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .s}}", "<Hello World>"},
                    Case{"{{block \"B\" .a}}[{{.}}]{{end}}", "[1]"},
                    Case{"{{if and .t .s}}both{{end}}{{or .e \"x\"}}", "bothx"}));

INSTANTIATE_TEST_SUITE_P(
    Letters, Outputs,
    testing::Values(
        Case{"{{upper \"h\u00e9llo\"}} {{lower \"\u00c9\u0416\"}} {{swapcase \"aB\u00e9\"}}",
             "H\u00c9LLO \u00e9\u0436 Ab\u00c9"},
        Case{"{{title \"foo-bar \u00e9a_b 1st\"}} {{untitle \"Foo-Bar Baz\"}} {{initials \"\u00e9t\u00e9 "
             "b\"}}",
             "Foo-Bar \u00c9a_b 1st foo-Bar baz \u00e9b"},
        Case{"{{replace \"\" \"-\" \"\u00e9a\"}} {{splitList \"\" \"\u00e9a\" | len}} {{trimAll \"\u00e9\" "
             "\"\u00e9a\u00e9\"}}",
             "-\u00e9-a- 2 a"},
        Case{"[{{trim \"\u00a0x\u2003\"}}] {{nospace \"a \u00a0b\"}}", "[x] ab"},
        Case{"{{camelcase \"http_server-name\"}} {{abbrev 5 \"hello world\"}} {{plural \"a\" \"b\" 2}}",
             "HttpServerName he... b"},
        Case{"{{wrap 5 \"Hello World\"}} {{wrapWith 3 \"|\" \"a b c d abcdef g\"}}",
             "Hello\nWorld a b|c d|abcdef|g"},
        Case{"{{(split \"$\" \"a$b\")._1}} {{(splitn \"$\" 2 \"a$b$c\")._1}}", "b b$c"},
        Case{"{{sortAlpha (list \"b\" \"a\" 3)}} {{toStrings (list 1 nil \"x\") | toJson}}",
             "[3 a b] [\"1\",\"x\"]"}));

INSTANTIATE_TEST_SUITE_P(
    Lists, Outputs,
    testing::Values(Case{"{{until 3}} {{until -2}} {{untilStep 1 10 4}} {{untilStep 3 0 -2}} {{until 0}}",
                         "[0 1 2] [0 -1] [1 5 9] [3 1] []"},
                    Case{"{{seq 3}}|{{seq 2 4}}|{{seq 1 2 6}}|{{seq 0}}|{{seq 3 1}}|{{seq 5 -2 0}}",
                         "1 2 3|2 3 4|1 3 5|1 0|3 2 1|5 3 1"},
                    Case{"{{uniq (list 1 1 2)}} {{without (list 1 2 3) 2}} {{compact (list 1 0 \"\" 2)}} "
                         "{{concat (list 1) (list 2)}}",
                         "[1 2] [1 3] [1 2] [1 2]"},
                    Case{"{{prepend (list 2) 1}} {{initial (list 1 2)}} {{chunk 2 (list 1 2 3)}} {{deepEqual "
                         "(list 1) (list 1)}}",
                         "[1 2] [1] [[1 2] [3]] true"},
                    Case{"{{merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3) | toJson}} {{mergeOverwrite (dict "
                         "\"a\" 1) (dict \"a\" 2) | toJson}}",
                         "{\"a\":1,\"b\":3} {\"a\":2}"},
                    Case{"{{maxf 1.5 2.5}} {{minf 1.5 2}} {{add1f 0.1}}", "2.5 1.5 1.1"},
                    Case{"{{toPrettyJson (dict \"a\" (list 1 \"x,{\") \"b\" (dict) \"c\" (list))}}",
                         "{\n  \"a\": [\n    1,\n    \"x,{\"\n  ],\n  \"b\": {},\n  \"c\": []\n}"}));

INSTANTIATE_TEST_SUITE_P(
    PatternsAndTimes, Outputs,
    testing::Values(Case{"{{regexMatch \"^[a-z]+$\" \"abc\"}} {{regexMatch \"(\" \"abc\"}} {{regexFind "
                         "\"[0-9]+\" \"a12b3\"}}",
                         "true false 12"},
                    Case{"{{regexFindAll \"[0-9]\" \"a1b2c3\" 2}} {{regexFindAll \"a*\" \"baaac\" -1 | len}}",
                         "[1 2] 3"},
                    Case{"{{regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"}} {{regexReplaceAll "
                         "\"a(x*)b\" \"-axb\" \"$1W\"}}",
                         "-W-xxW- -"},
                    Case{"{{regexReplaceAllLiteral \"a(x*)b\" \"-ab-\" \"${1}\"}} {{regexQuoteMeta \"1.2\"}}",
                         "-${1}- 1\\.2"},
                    Case{"{{regexSplit \"z+\" \"pizza\" -1}} {{regexSplit \"z\" \"pizza\" 2 | toJson}} "
                         "{{regexSplit \"\" \"ab\" -1}}",
                         "[pi a] [\"pi\",\"za\"] [a b]"},
                    Case{"{{date \"2006-01-02\" .d}} {{dateInZone \"15:04 MST\" 0 \"UTC\"}} {{htmlDate "
                         "86400}} {{unixEpoch .d}}",
                         "2020-01-02 00:00 UTC 1970-01-02 1577934245"},
                    Case{"{{toDate \"2006-01-02\" \"2020-02-03\" | unixEpoch}} {{gt (now | unixEpoch | "
                         "int64) 1500000000}}",
                         "1580688000 true"}));

TEST(Template, AnErrorOfExecutionSaysLineAndColumnAsGoDoes) {
    EXPECT_EQ(Expand("{{.s}}\n  {{.a.x}}").text,
              "template: sink:2:4: executing \"sink\" at <.a.x>: can't evaluate field x in type float64");
    EXPECT_EQ(Expand("{{.o.n.x}}").text,
              "template: sink:1:2: executing \"sink\" at <.o.n.x>: nil pointer evaluating interface {}.x");
    const auto list = std::move(*Template::Parse("{{range .}}{{end}}{{.b}}"));
    Arena arena;
    BufferBuilder out;
    std::string error;
    const Value row = TestRow(arena);
    EXPECT_FALSE(list->Execute(Value::Array({&row, 1}), arena, out, error, {}));
    EXPECT_EQ(error,
              "template: sink:1:20: executing \"sink\" at <.b>: can't evaluate field b in type "
              "[]map[string]interface {}");
}

TEST(Bounds, ListsAndPaddingBeyondTheOutputAreRefused) {
    for (const char* source : {"{{until 1000000000}}", "{{untilStep 0 1000000000 1 | len}}",
                               "{{seq 1000000000}}", "{{\"x\" | indent 1000000000}}"}) {
        const Outcome outcome = Expand(source);
        EXPECT_FALSE(outcome.ok) << source;
        EXPECT_LT(outcome.text.size(), 200U);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Functions, Outputs,
    testing::Values(
        Case{"{{index .arr 0}} {{index .o \"z\" \"y\"}} {{len .s}}", "1 9 11"},
        Case{"{{lt .a .f}} {{eq .i 7}} {{eq .a 3.0 1.0}} {{ne .s \"x\"}}", "true true true true"},
        Case{"{{printf \"%5.2f|%-4d|%04d|%q|%x|%T|%v\" .f 42 7 \"a\\n\" \"hi\" .arr .n}}",
             " 1.50|42  |0007|\"a\\n\"|6869|[]interface {}|<nil>"},
        Case{"{{printf \"%d %v %\" .f}}", "%!d(float64=1.5) %!v(MISSING) %!(NOVERB)"},
        Case{"{{printf \"%[2]v %[1]v\" .a .s}} {{printf \"%*d\" 5 42}}", "Hello World 1    42"},
        Case{"{{html \"<a>\"}} {{js \"<'\\n\"}} {{urlquery \"a b&\"}}", "&lt;a&gt; \\u003C\\'\\u000A a+b%26"},
        Case{"{{add 36.25 1}} {{add .i 1}} {{addf 0.1 0.2}} {{div 7 2}} {{max 1 5 2}}", "37 8 0.3 3 5"},
        Case{"{{.s | upper | quote}} {{trunc 5 .s}} {{replace \"l\" \"L\" .s}} {{default \"d\" .e}}",
             "\"HELLO WORLD\" Hello HeLLo WorLd d"},
        Case{"{{snakecase \"HTTPServer ID\"}} {{kebabcase \"someName\"}} {{join \",\" .arr}}",
             "http_server_id some-name 1,2,3"},
        Case{"{{(dict \"b\" 1 \"a\" 2).a}} {{has 2.0 .arr}} {{first .arr}} {{slice .arr 1}}",
             "2 true 1 [2 3]"}));

INSTANTIATE_TEST_SUITE_P(
    Encoding, Outputs,
    testing::Values(
        Case{"{{json .o}} {{toJson .nope}} {{toJson \"<a>\"}} {{toRawJson \"<a>\\\\u003c\"}}",
             "{\"k\":\"v\",\"n\":null,\"z\":{\"y\":9}} null \"\\u003ca\\u003e\" \"<a>\\\\u003c\""},
        Case{"{{fromJson \"bad\"}} {{fromJson \"5\"}} {{(mustFromJson \"{\\\"a\\\":[1]}\").a}}",
             "<no value> 5 [1]"},
        Case{"{{base64 .s}} {{base64 .mil}} {{b64enc \"hi\"}} {{b64dec \"aGk=\"}}",
             "SGVsbG8gV29ybGQ= MTAwMDAwMA== aGk= hi"}));

struct Failure {
    const char* source;
    const char* message;  // a part of it
};
class Failures : public testing::TestWithParam<Failure> {};
TEST_P(Failures, SayWhatIsWrong) {
    const Outcome outcome = Expand(GetParam().source);
    EXPECT_FALSE(outcome.ok) << outcome.text;
    EXPECT_NE(outcome.text.find(GetParam().message), std::string::npos) << outcome.text;
}

INSTANTIATE_TEST_SUITE_P(
    Parsing, Failures,
    testing::Values(Failure{"{{", "template: sink:1: unclosed action"}, Failure{"{{.a", "unclosed action"},
                    Failure{"{{nosuch .a}}", "function \"nosuch\" not defined"},
                    Failure{"{{.a.}}", "unexpected <.> in operand"},
                    Failure{"{{1.2.3}}", "unexpected \".3\" in operand"},
                    Failure{"{{(.a}}", "unclosed left paren"}, Failure{"{{.a)}}", "unexpected right paren"},
                    Failure{"{{break}}", "{{break}} outside {{range}}"},
                    Failure{"{{template}}", "unexpected \"}}\" in template clause"},
                    Failure{"{{@}}", "unexpected \"@\" in command"},
                    Failure{"{{if}}x{{end}}", "missing value for if"},
                    Failure{"a\n{{if .a}}", "sink:2: unexpected EOF"},
                    Failure{"{{end}}", "unexpected {{end}}"}, Failure{"{{$y}}", "undefined variable \"$y\""},
                    Failure{"{{-.f}}", "bad number syntax"}, Failure{"{{/* x", "unclosed comment"},
                    Failure{"{{.a | 5}}", "non executable command in pipeline stage 2"}));

INSTANTIATE_TEST_SUITE_P(Executing, Failures,
                         testing::Values(Failure{"{{eq .a 1}}", "incompatible types for comparison"},
                                         Failure{"{{lt .t .b}}", "invalid type for comparison"},
                                         Failure{"{{.n.x}}", "nil pointer evaluating interface {}.x"},
                                         Failure{"{{.a.x}}", "can't evaluate field x in type float64"},
                                         Failure{"{{index .arr 9}}", "index out of range"},
                                         Failure{"{{upper .a}}", "expected string; got float64"},
                                         Failure{"{{upper .nope}}", "invalid value; expected string"},
                                         Failure{"{{range .f}}{{end}}", "range can't iterate over 1.5"},
                                         Failure{"{{template \"none\"}}", "template \"none\" not defined"},
                                         Failure{"{{nil}}", "nil is not a command"},
                                         Failure{"{{.s 1}}", "is not a method but has arguments"},
                                         Failure{"{{fail \"stop\"}}", "stop"},
                                         Failure{"{{len .a}}", "len of type float64"},
                                         Failure{"{{div 1 0}}", "divide by zero"}));

TEST(TemplateLimits, EndlessRecursionIsAnError) {
    EXPECT_NE(Expand("{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}")
                  .text.find("maximum template depth"),
              std::string::npos);
}
TEST(TemplateLimits, LoopsAreBoundedInSteps) {
    // What a function reads counts as well.
    EXPECT_NE(Expand("{{$l := list}}{{range 2000}}{{$l = append $l .}}{{end}}{{range 2000}}{{range $l}}{{has "
                     "-1 $l}}{{end}}{{end}}")
                  .text.find("more than 1000000 steps"),
              std::string::npos);
    EXPECT_NE(Expand("{{range 100000}}{{range 100000}}{{end}}{{end}}").text.find("more than 1000000 steps"),
              std::string::npos);
}
TEST(TemplateLimits, OutputIsBoundedInBytes) {
    Limits limits;
    limits.max_output_bytes = 1000;
    EXPECT_FALSE(Expand("{{range 100}}{{$.s}}{{end}}", limits).ok);
    EXPECT_FALSE(Expand("{{repeat 1000000000 \"x\"}}", limits).ok);
}
TEST(TemplateLimits, ValuesAreBoundedInBytes) {
    Limits limits;
    limits.max_output_bytes = 1U << 20U;
    const auto growing =
        Expand("{{$l := list}}{{range 100000}}{{$l = append $l 1}}{{end}}{{len $l}}", limits);
    EXPECT_NE(growing.text.find("take more than 4194304 bytes"), std::string::npos) << growing.text;
    EXPECT_TRUE(Expand("{{$l := list}}{{range 100}}{{$l = append $l 1}}{{end}}{{len $l}}", limits).ok);
}
TEST(TemplateLimits, DeepNestingIsRefusedByTheParser) {
    EXPECT_FALSE(Expand("{{" + std::string(5000, '(') + "1" + std::string(5000, ')') + "}}").ok);
    std::string nested;
    for (int i = 0; i < 5000; ++i) {
        nested += "{{if .t}}";
    }
    EXPECT_FALSE(Expand(nested).ok);
}
TEST(Template, AFailureTakesBackWhatWasWritten) {
    auto parsed = Template::Parse("abc{{fail \"x\"}}");
    ASSERT_TRUE(parsed);
    Arena arena;
    BufferBuilder out;
    out.Append("before");
    std::string error;
    EXPECT_FALSE((*parsed)->Execute(Value::Null(), arena, out, error));
    EXPECT_EQ(out.view(), "before");
}

}  // namespace
}  // namespace haumea::text_template
