#include "connect/dynamic_properties.h"

#include <gtest/gtest.h>

namespace haumea::connect {
namespace {

const std::vector<std::string> kNames = {"path", "requestHeader"};

config::Node Props(std::string_view json) { return std::move(*config::ParseJson(json)); }

TEST(DynamicProperties, TakesTemplatesOfTheNamedPropertiesOnceEach) {
    DynamicProperties dynamic;
    ASSERT_TRUE(dynamic.Add(Props(R"({"PATH":"/c/{{.id}}","addr":"{{.no}}","requestHeader":
        {"A":"plain","B":["x","{{.b}}"],"C":"/c/{{.id}}"}})"),
                            kNames));
    EXPECT_EQ(dynamic.texts(), (std::vector<std::string>{"/c/{{.id}}", "{{.b}}"}));
    ASSERT_TRUE(dynamic.Add(Props(R"({"path":"/late/{{.id}}"})"), kNames));
    EXPECT_EQ(dynamic.texts().size(), 3U);
}

TEST(DynamicProperties, AMistakeNamesThePropertyAndThePlace) {
    DynamicProperties dynamic;
    EXPECT_EQ(dynamic.Add(Props(R"({"path":"/a\n/{{nosuch .id}}"})"), kNames).error().message,
              "property path: template: sink:2: function \"nosuch\" not defined");
    EXPECT_NE(dynamic.Add(Props(R"({"requestHeader":{"X-A":["{{.a"]}})"), kNames)
                  .error()
                  .message.find("property requestHeader.X-A: template: sink:1:"),
              std::string::npos);
}

TEST(DynamicProperties, EvaluatesAllOrSaysWhy) {
    DynamicProperties dynamic;
    ASSERT_TRUE(dynamic.Add(Props(R"({"path":"/{{.id}}","requestHeader":{"A":"{{index .l 5}}"}})"), kNames));
    const Value one = Value::Int(1);
    Field fields[] = {{"id", Value::String("x")}, {"l", Value::Array({&one, 1})}};
    std::vector<std::string> values;
    std::string error;
    EXPECT_FALSE(dynamic.Evaluate(Value::Object(fields), values, error));
    EXPECT_TRUE(values.empty());
    EXPECT_NE(error.find("fail to calculate props {{index .l 5}} (property requestHeader.A)"),
              std::string::npos)
        << error;
    fields[1].value = Value::Array({});
    DynamicProperties path_only;
    ASSERT_TRUE(path_only.Add(Props(R"({"path":"/{{.id}}"})"), kNames));
    ASSERT_TRUE(path_only.Evaluate(Value::Object(fields), values, error)) << error;
    EXPECT_EQ(values, std::vector<std::string>{"/x"});
}

TEST(DynamicProperties, KeepsToTheLimitsOfTemplates) {
    DynamicProperties dynamic(text_template::Limits{.max_steps = 100});
    ASSERT_TRUE(dynamic.Add(Props(R"({"path":"/{{range .n}}x{{end}}"})"), kNames));
    const Field field{"n", Value::Int(1000)};
    std::vector<std::string> values;
    std::string error;
    EXPECT_FALSE(dynamic.Evaluate(Value::Object({&field, 1}), values, error));
    EXPECT_NE(error.find("more than 100 steps"), std::string::npos) << error;
}

}  // namespace
}  // namespace haumea::connect
