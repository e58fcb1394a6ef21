#include "rule/rule_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rule/connections_secrets.h"

namespace haumea::rule {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kRule = R"({ "id":"r","sql":"SELECT a FROM b","actions":[{"log":{}},{"websocket":{)"
                              R"("addr":"h:1","path":"/x?token=s3c&a=1","proxy":"http://u:s3c@p:1",)"
                              R"("requestHeader":{"Authorization":"s3c","X":"1"}}}]})";

TEST(RuleSecrets, AreMaskedInActionsAndNothingElseChanges) {
    const std::string plain = R"({ "id":"r",  "actions":[{"log":{"dataTemplate":"token ******"}}]})";
    EXPECT_EQ(MaskRule(plain), plain);
    EXPECT_EQ(MaskRule("no json"), "no json");
    const std::string masked = MaskRule(kRule);
    EXPECT_THAT(masked, Not(HasSubstr("s3c")));
    EXPECT_THAT(masked, HasSubstr(R"("path":"/x?token=******&a=1","proxy":"http://******@p:1")"));
    EXPECT_THAT(masked, HasSubstr(R"("requestHeader":{"Authorization":"******","X":"1"})"));
}

TEST(RuleSecrets, AMaskThatComesBackKeepsWhatIsStored) {
    const auto whole = UnmaskRule(MaskRule(kRule), kRule);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(MaskSecrets(*config::ParseJson(*whole)), MaskSecrets(*config::ParseJson(kRule)));
    EXPECT_EQ(*config::ParseJson(*whole), *config::ParseJson(kRule));
    EXPECT_EQ(*UnmaskRule(kRule, ""), kRule);
    EXPECT_THAT(UnmaskRule(MaskRule(kRule), "").error().message,
                HasSubstr("action 1.websocket.path is masked"));
}

std::string Action(const std::string& addr, const std::string& token, const std::string& more = "") {
    return R"({"websocket":{"addr":")" + addr + R"(","path":"/x","requestHeader":{"Authorization":")" +
           token + R"("})" + more + "}}";
}

std::string Rule(const std::string& actions) { return R"({"id":"r","actions":[)" + actions + "]}"; }

// What is stored when `given` is put over `stored`, or why it is refused.
std::string Put(const std::string& given, const std::string& stored) {
    const auto whole = UnmaskRule(Rule(given), Rule(stored));
    return whole ? *whole : whole.error().message;
}

TEST(RuleSecrets, AKeptSecretGoesWithItsActionNotWithItsPlace) {
    const std::string stored = Action("a:1", "A") + "," + Action("b:1", "B");
    const std::string a = Action("a:1", kMask.data());
    const std::string b = Action("b:1", kMask.data());
    EXPECT_EQ(Put(b + "," + a, stored), Rule(Action("b:1", "B") + "," + Action("a:1", "A")));
    EXPECT_EQ(Put(b, stored), Rule(Action("b:1", "B")));
    EXPECT_EQ(Put(R"({"log":{}},)" + a + "," + b, stored), Rule(R"({"log":{}},)" + stored));
    EXPECT_EQ(Put(Action("a:1", "new") + "," + b, stored),
              Rule(Action("a:1", "new") + "," + Action("b:1", "B")));
}

TEST(RuleSecrets, AnActionThatWasChangedKeepsItsSecretsWhileItGoesToTheSameRemote) {
    const std::string stored = Action("a:1", "A") + "," + Action("b:1", "B");
    const std::string changed = R"(,"sendSingle":true)";
    EXPECT_EQ(Put(Action("b:1", kMask.data(), changed), stored), Rule(Action("b:1", "B", changed)));
    EXPECT_THAT(Put(Action("c:1", kMask.data()) + "," + Action("b:1", kMask.data()), stored),
                HasSubstr("action 0.websocket.requestHeader.Authorization is masked"));
}

TEST(RuleSecrets, AMaskThatMayStandForSeveralSecretsIsRefused) {
    const std::string stored = Action("a:1", "A1") + "," + Action("a:1", "A2");
    const std::string masked = Action("a:1", kMask.data());
    EXPECT_EQ(Put(masked + "," + masked, stored), Rule(stored));
    EXPECT_EQ(Put(Action("a:1", "new") + "," + masked, stored),
              Rule(Action("a:1", "new") + "," + Action("a:1", "A2")));
    EXPECT_THAT(Put(masked, stored), HasSubstr("action 0.websocket.requestHeader.Authorization is masked"));
    EXPECT_EQ(Put(masked, Action("a:1", "A") + "," + Action("a:1", "A")), Rule(Action("a:1", "A")));
}

TEST(RuleSecrets, AsterisksElsewhereAreText) {
    const std::string rule = R"({"id":"r","actions":[{"log":{"dataTemplate":"{\"password\":\"******\"}"}}]})";
    EXPECT_EQ(*UnmaskRule(rule, ""), rule);
}

}  // namespace
}  // namespace haumea::rule
