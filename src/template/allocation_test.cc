#include "base/allocation_count.h"

#ifdef HAUMEA_COUNTS_ALLOCATIONS
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "template/template.h"

namespace haumea::text_template {
namespace {

struct Case {
    std::string name;
    std::string text;

    friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.text; }
};

class TemplateAllocation : public testing::TestWithParam<Case> {};

// The language and the functions that compute without making long texts; printing a whole map may allocate.
TEST_P(TemplateAllocation, AMessageCostsNoneAfterTheFirst) {
    auto parsed = Template::Parse(GetParam().text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    const Field inner{"v", Value::Double(1234567.25)};
    const Value list[] = {Value::Double(1), Value::String("two"), Value::Null()};
    const Field fields[] = {{"id", Value::Int(1234567890123456789)},
                            {"list", Value::Array(list)},
                            {"name", Value::String("a name beyond the short string")},
                            {"o", Value::Object({&inner, 1})},
                            {"t", Value::Double(-12.345678901234567)}};
    const Value dot = Value::Object(fields);
    Arena arena;
    BufferBuilder out;
    std::string error;
    const auto run = [&] {
        out.Clear();
        arena.Reset();
        return (*parsed)->Execute(dot, arena, out, error);
    };
    ASSERT_TRUE(run()) << error;
    const std::string first(out.view());
    const size_t before = allocation_count.load();
    for (int i = 0; i < 100; ++i) {
        run();
    }
    EXPECT_EQ(allocation_count.load() - before, 0U);
    EXPECT_EQ(out.view(), first);
    EXPECT_FALSE(first.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Templates, TemplateAllocation,
    testing::Values(
        Case{"fields", R"({"id":{{.id}},"name":"{{.name}}","v":{{.o.v}},"t":{{.t}}})"},
        Case{"branches", "{{if gt .t 30.0}}hot{{else if lt .t 0.0}}cold{{else}}fine{{end}}"},
        Case{"loops", "{{range $i, $e := .list}}{{if $i}},{{end}}{{$e}}{{else}}none{{end}}"},
        Case{"maps", "{{range $k, $v := .o}}{{$k}}={{$v}}{{end}}"},
        Case{"variables", "{{$a := .t}}{{$b := .o.v}}{{$a = $b}}{{$a}}{{with .o}}{{.v}}{{$.id}}{{end}}"},
        Case{"definitions", "{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .name}}"},
        Case{"logic", "{{and .t .name}}{{or .nope .id}}{{not .t}}{{eq .name \"x\" \"y\"}}{{len .list}}"},
        Case{"numbers", "{{add 1 .id}}{{max 1 2}}{{floor .t}}{{index .list 1}}"},
        Case{"defaults", "{{.nope | default .name}}{{coalesce .nope .t}}{{ternary .t .id true}}"},
        Case{"many_variables",
             "{{$a:=1}}{{$b:=2}}{{$c:=3}}{{$d:=4}}{{$e:=5}}{{$f:=6}}{{$g:=7}}{{$h:=8}}{{$i:=9}}{{$j:=10}}"
             "{{$k:=11}}{{$l:=12}}{{$m:=13}}{{$n:=14}}{{$o:=15}}{{$p:=16}}{{$q:=17}}{{$a}}{{$q}}"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace haumea::text_template

#endif
