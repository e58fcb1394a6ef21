#include "rule/rule_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

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

// Every option of ekuiper's rule JSON: its value arrives, and a value of another kind is refused by name.
TEST(RuleDef, EveryOptionIsReadAndCheckedByItsKind) {
    struct Case {
        const char* name;
        const char* good;
        std::function<bool(const RuleDef&)> arrived;  // empty: accepted, without effect
        const char* bad;
        const char* type;
    };
    const std::vector<Case> cases = {
        {"isEventTime", "true", [](const RuleDef& r) { return r.options.plan.is_event_time; }, "1", "bool"},
        {"lateTolerance", "\"3s\"",
         [](const RuleDef& r) { return r.options.plan.late_tolerance_ms == 3'000; }, "true", nullptr},
        {"lateTolerance", "250", [](const RuleDef& r) { return r.options.plan.late_tolerance_ms == 250; },
         "1.5", nullptr},
        {"concurrency", "3", [](const RuleDef& r) { return r.options.plan.concurrency == 3; }, "\"3\"",
         "int"},
        {"concurrency", "0", [](const RuleDef& r) { return r.options.plan.concurrency == 1; }, "1.5", "int"},
        {"bufferLength", "7", [](const RuleDef& r) { return r.options.plan.buffer_length == 7; }, "true",
         "int"},
        {"sendMetaToSink", "true", [](const RuleDef& r) { return r.options.plan.send_meta_to_sink; }, "\"x\"",
         "bool"},
        {"sendNilField", "true", [](const RuleDef& r) { return r.options.plan.send_nil_field; }, "0", "bool"},
        {"sendError", "true", [](const RuleDef& r) { return r.options.plan.send_error; }, "[]", "bool"},
        {"qos", "1", [](const RuleDef& r) { return r.options.qos == 1; }, "\"1\"", "def.Qos"},
        {"checkpointInterval", "\"1m\"",
         [](const RuleDef& r) { return r.options.checkpoint_interval_ms == 60'000; }, "{}", nullptr},
        {"restartStrategy", R"({"attempts":2,"delay":1,"multiplier":2,"maxDelay":3,"jitterFactor":0.1})",
         [](const RuleDef& r) { return r.options.restart_attempts == 2; }, "5", "def.RestartStrategy"},
        {"cron", "\"*/5 * * * *\"", {}, "5", "string"},
        {"duration", "\"10s\"", [](const RuleDef& r) { return r.options.schedule.run_limit_ms() == 10'000; },
         "5", "string"},
        {"cronDatetimeRange", R"([{"begin":"2023-06-26 10:00:00","end":"2023-06-26 11:00:00"}])",
         [](const RuleDef& r) { return r.options.schedule.by_clock(); }, "\"x\"", nullptr},
        {"planOptimizeStrategy", R"({"disableAliasRefCal":true})",
         [](const RuleDef& r) { return r.options.plan.disable_alias_ref_cal; }, "true",
         "def.PlanOptimizeStrategy"},
        {"disableBufferFullDiscard", "true",
         [](const RuleDef& r) { return r.options.plan.disable_buffer_full_discard; }, "1", "bool"},
        {"windowBytes", "2097152", [](const RuleDef& r) { return r.options.plan.window_bytes == 2'097'152; },
         "\"1M\"", "int"},
        {"debug", "true", {}, "1", "bool"},
        {"logFilename", "\"x.log\"", {}, "1", "string"},
        {"notifySub", "true", {}, "1", "bool"},
        {"enableSaveStateBeforeStop", "true", {}, "1", "bool"},
        {"forceExitTimeout", "\"1s\"", {}, "true", nullptr},
        {"experiment", R"({"useSliceTuple":true})", {}, "true", "def.ExpOpts"},
    };
    for (const Case& c : cases) {
        const auto def =
            ParseRule(WithOptions(fmt::format(R"({{"{}":{}}})", c.name, c.good)), "", {}, nullptr);
        ASSERT_TRUE(def) << c.name << def.error().message;
        EXPECT_TRUE(!c.arrived || c.arrived(*def)) << c.name;
        const std::string error = ErrorOf(WithOptions(fmt::format(R"({{"{}":{}}})", c.name, c.bad)));
        EXPECT_THAT(error, ::testing::HasSubstr(c.name)) << c.bad;
        if (c.type != nullptr) {
            EXPECT_THAT(error, ::testing::HasSubstr(std::string("of type ") + c.type + "."));
        }
    }
    const auto none = ParseRule(WithOptions("null"), "", {}, nullptr);
    EXPECT_TRUE(none && none->warnings.empty());
}

TEST(RuleDef, StrategiesOfThePlannerAreNamedAsWithoutEffect) {
    const auto def = ParseRule(
        WithOptions(
            R"({"planOptimizeStrategy":{"enableIncrementalWindow":true,"enableAliasPushdown":false,"windowOption":{"windowVersion":"v2"},"x":1}})"),
        "", {}, nullptr);
    ASSERT_TRUE(def) << def.error().message;
    EXPECT_EQ(def->warnings,
              (std::vector<std::string>{"option planOptimizeStrategy.enableIncrementalWindow has no effect",
                                        "option planOptimizeStrategy.windowOption has no effect",
                                        "option planOptimizeStrategy.x is unknown and has no effect"}));
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
