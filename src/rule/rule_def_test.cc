#include "rule/rule_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rule/json_text.h"

namespace haumea::rule {
namespace {

std::string ErrorOf(std::string_view text, std::string_view path_id = "") {
    const auto def = ParseRule(text, path_id, Options{}, nullptr);
    return def ? "" : def.error().message;
}

TEST(JsonSyntax, NamesTheFirstByteThatDoesNotBelong) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"not json", "invalid character 'o' in literal null (expecting 'u')"},
        {R"({"id":"x",})", "invalid character '}' looking for beginning of object key string"},
        {R"({"a" 1})", "invalid character '1' after object key"},
        {R"({"a":1 "b"})", "invalid character '\"' after object key:value pair"},
        {"[1 2]", "invalid character '2' after array element"},
        {"[1] x", "invalid character 'x' after top-level value"},
        {"01", "invalid character '1' after top-level value"},
        {"-x", "invalid character 'x' in numeric literal"},
        {"1.x", "invalid character 'x' after decimal point in numeric literal"},
        {"1e+", "unexpected end of JSON input"},
        {"\"a\nb\"", R"(invalid character '\n' in string literal)"},
        {R"("\x")", "invalid character 'x' in string escape code"},
        {R"("\u12g4")", R"(invalid character 'g' in \u hexadecimal character escape)"},
        {"'a'", R"(invalid character '\'' looking for beginning of value)"},
        {"", "unexpected end of JSON input"},
        {R"({"a":[1,2,{"b":null}],"c":-1.5e3,"d":"\u00e4"})", ""},
    };
    for (const auto& [text, error] : cases) {
        EXPECT_EQ(JsonSyntaxError(text), error) << text;
    }
}

TEST(JsonSyntax, AStreamHasItsOwnWordsForMissingText) {
    EXPECT_EQ(JsonSyntaxError("", JsonInput::kStream), "EOF");
    EXPECT_EQ(JsonSyntaxError("{\"a\":", JsonInput::kStream), "unexpected EOF");
    EXPECT_TRUE(ParseBody("{} trailing", JsonInput::kStream));
    EXPECT_FALSE(ParseBody("{} trailing"));
}

TEST(JsonSyntax, DeepNestingIsRefused) { EXPECT_FALSE(ParseBody(std::string(100'000, '['))); }

TEST(RuleDef, RefusesBodiesThatAreNoRule) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"{}", "Missing rule id."},
        {R"({"id":""})", "Missing rule id."},
        {"[]", "Parse rule [] error : json: cannot unmarshal array into Go value of type def.Rule."},
        {"null", "Parse rule null error : a rule is a JSON object, found null."},
        {R"({"id":"r","actions":[{"log":{}}]})", "Rule r has neither sql nor graph."},
        {R"({"id":"r","sql":"SELECT * FROM demo"})", "Missing rule actions."},
        {R"({"id":"r","sql":"SELECT * FROM demo","graph":{},"actions":[{"log":{}}]})",
         "Rule r has both sql and graph."},
        {R"({"id":"r","sql":5})",
         R"(Parse rule {"id":"r","sql":5} error : json: cannot unmarshal number into Go struct field Rule.sql of type string.)"},
        {R"({"id":"a/b","sql":"SELECT * FROM demo","actions":[{"log":{}}]})",
         "id 'a/b' contains invalid characters: only alphanumeric, hyphens and underscores are allowed"},
        {R"({"id":"..","sql":"SELECT * FROM demo","actions":[{"log":{}}]})",
         "id '..' contains invalid characters: only alphanumeric, hyphens and underscores are allowed"},
    };
    for (const auto& [text, error] : cases) {
        EXPECT_EQ(ErrorOf(text), error);
    }
}

std::string WithOptions(std::string_view options) {
    return fmt::format(R"({{"id":"r","sql":"SELECT * FROM demo","actions":[{{"log":{{}}}}],"options":{}}})",
                       options);
}

TEST(RuleDef, RefusesOptionsOutOfRangeTogether) {
    EXPECT_EQ(ErrorOf(WithOptions(R"({"concurrency":-1,"lateTolerance":-5})")),
              "Rule r has invalid options: invalidConcurrency:concurrency must be greater than 0\n"
              "invalidLateTol:lateTol must be greater than 0.");
    EXPECT_EQ(ErrorOf(WithOptions(R"({"restartStrategy":{"attempts":-1}})")),
              "Rule r has invalid options: invalidRestartAttempts:restart attempts must be greater than 0.");
    EXPECT_EQ(ErrorOf(WithOptions(R"({"concurrency":0,"bufferLength":0})")), "");
    EXPECT_EQ(
        ErrorOf(WithOptions(R"({"windowBytes":0})")),
        "Rule r has invalid options: invalidWindowBytes:windowBytes is 0, give a number from 1048576 to "
        "1099511627776.");
    EXPECT_EQ(ErrorOf(WithOptions(R"({"windowBytes":1048576})")), "");
}

TEST(RuleDef, NamesTheOptionOfAWrongKind) {
    const std::string text = WithOptions(R"({"qos":"x"})");
    EXPECT_EQ(ErrorOf(text),
              "Parse rule " + text +
                  " error : json: cannot unmarshal string into Go struct field RuleOption.options.qos"
                  " of type def.Qos.");
}

TEST(RuleDef, FieldNamesIgnoreCaseAndOptionsOverlayDefaults) {
    Options defaults;
    defaults.plan.send_error = true;
    defaults.plan.buffer_length = 7;
    const auto def = ParseRule(
        R"({"ID":"r","SQL":"SELECT * FROM demo","Actions":[{"log":{}}],"options":{"LateTolerance":"2s","bufferLength":9}})",
        "", defaults, nullptr);
    ASSERT_TRUE(def) << def.error().message;
    EXPECT_EQ(def->id, "r");
    EXPECT_TRUE(def->options.plan.send_error);
    EXPECT_EQ(def->options.plan.buffer_length, 9);
    EXPECT_EQ(def->options.plan.late_tolerance_ms, 2'000);
}

TEST(RuleDef, WhatHasNoEffectIsNamedInAWarning) {
    const auto def =
        ParseRule(WithOptions(R"({"fast":1,"qos":1,"cron":"x","duration":"1s"})"), "", {}, nullptr);
    ASSERT_TRUE(def);
    ASSERT_EQ(def->warnings.size(), 3U);
    EXPECT_EQ(def->warnings[0], "option fast is unknown and has no effect");
    EXPECT_THAT(def->warnings[2], ::testing::HasSubstr("option cron \"x\" has no effect"));
}

TEST(RuleDef, ALongBodyIsNotEchoedWhole) { EXPECT_LT(ErrorOf(std::string(1'000'000, 'x')).size(), 5'000U); }

TEST(RuleDef, RewritingSortsAndSetsTriggered) {
    const auto text =
        RewriteRule(R"({"sql": "select * from alert", "id": "r1", "actions": [{"nop": {}}]})", true);
    EXPECT_EQ(*text, R"({"actions":[{"nop":{}}],"id":"r1","sql":"select * from alert","triggered":true})");
}

TEST(RuleDef, VersionsMustGrow) {
    EXPECT_TRUE(MayReplace("", ""));
    EXPECT_TRUE(MayReplace("", "1"));
    EXPECT_TRUE(MayReplace("1.0", "1.1"));
    EXPECT_FALSE(MayReplace("1.0", "1.0"));
    EXPECT_FALSE(MayReplace("1.0", ""));
}

}  // namespace
}  // namespace haumea::rule
