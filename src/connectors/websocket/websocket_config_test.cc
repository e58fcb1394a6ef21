#include "connectors/websocket/websocket_config.h"

#include <gtest/gtest.h>

namespace haumea::connectors {
namespace {

Result<WebSocketConfig> Read(std::string_view props) {
    const config::Node node = std::move(*config::ParseJson(props));
    return ReadWebSocketConfig(node, "", "sink websocket");
}

std::string ErrorOf(std::string_view props) {
    const auto config = Read(props);
    return config ? "" : config.error().message;
}

TEST(WebSocketConfig, WithoutAddressThePathIsServed) {
    const auto config = Read(R"({"path":"/api/data"})");
    ASSERT_TRUE(config);
    EXPECT_FALSE(config->client_role);
    EXPECT_EQ(config->path, "/api/data");
    EXPECT_EQ(Read(R"({"datasource":"/x","addr":""})")->path, "/x");
}

TEST(WebSocketConfig, WithAddressTheRemoteIsDialled) {
    const auto config =
        Read(R"({"ADDRESS":"[::1]:8080","path":"/x?y=1","requestHeader":{"A":"1","B":["2","3"]}})");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_TRUE(config->client_role);
    EXPECT_EQ(config->target.host, "::1");
    EXPECT_EQ(config->target.port, 8080);
    EXPECT_EQ(config->target.path, "/x?y=1");
    EXPECT_EQ(config->target.headers.size(), 3U);
    EXPECT_FALSE(config->target.tls);
    EXPECT_EQ(Read(R"({"addr":"h","path":"/"})")->target.port, 80);
}

TEST(WebSocketConfig, APathHasToStartWithASlash) {
    for (const char* props : {"{}", R"({"path":""})", R"({"path":"x"})", R"({"path":"x","addr":"h:1"})"}) {
        EXPECT_TRUE(ErrorOf(props).starts_with("websocket endpoint should start with /")) << props;
    }
    EXPECT_EQ(ErrorOf("{}"), "websocket endpoint should start with /");
}

TEST(WebSocketConfig, TlsPropertiesMakeItWss) {
    const auto secure = Read(R"({"addr":"h","path":"/","insecureSkipVerify":true})");
    ASSERT_TRUE(secure);
    EXPECT_TRUE(secure->target.tls);
    EXPECT_EQ(secure->target.port, 443);
    EXPECT_FALSE(Read(R"({"addr":"h","path":"/","insecureSkipVerify":false,"rootCaPath":""})")->target.tls);
    const auto plain = Read(R"({"addr":"h","path":"/","scheme":"ws","insecureSkipVerify":true})");
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->target.tls);
    EXPECT_EQ(plain->warnings.size(), 1U);
}

TEST(WebSocketConfig, StaticMistakesNameFieldAndValue) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"path":"/a","datasource":"/b"})", "alias"},
        {R"({"addr":"a:1","address":"b:1","path":"/"})", "alias"},
        {R"({"addr":"a:1","path":"/","scheme":"http"})", "scheme is \"http\""},
        {R"({"addr":"a:1","path":"/","scheme":"ws","rootCaPath":"/x.pem"})", "certificates are given"},
        {R"({"addr":"a:1","path":"/","rootCaPath":"/no/such.pem"})", "/no/such.pem"},
        {R"({"addr":"a:1","path":"/","rootCARaw":"%%%"})", "rootCARaw is no base64"},
        {R"({"addr":"a:99999","path":"/"})", "a:99999"},
        {R"({"path":"/","insecureSkipVerify":"true"})", "insecureSkipVerify"},
        {R"({"path":"/","slowConsumer":"drop"})", "slowConsumer is \"drop\""},
        {R"({"path":"/","messageType":"utf8"})", "messageType is \"utf8\""},
        {R"({"path":"/","pingInterval":"soon"})", "pingInterval"},
        {R"({"path":"/","backlogMessages":0})", "backlogMessages is 0"},
        {R"({"path":"/a?b=1"})", "path"},
        {R"({"path":"/{id"})", "path"},
        {R"({"addr":"a:1","path":"/","requestHeader":{"A":1}})", "requestHeader.A"},
        {R"({"addr":"a:1","path":"/","requestHeader":{"Upgrade":"x"}})", "Upgrade"},
        {R"({"addr":"{{.a}}","path":"/"})", "addr"},
    };
    for (const auto& [props, text] : cases) {
        EXPECT_NE(ErrorOf(props).find(text), std::string::npos) << props << " gives: " << ErrorOf(props);
    }
}

TEST(WebSocketConfig, OldPropertiesAreAcceptedWithAWarning) {
    const auto config = Read(R"({"path":"/","maxConnRetry":3,"renegotiationSupport":"never"})");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->warnings.size(), 2U);
}

TEST(WebSocketConfig, BufferLengthBoundsTheQueueOfTheClientRole) {
    const auto config = Read(R"({"addr":"h","path":"/","bufferLength":10,"backlogMessages":5})");
    EXPECT_EQ(config->behaviour.backlog_messages, 10U);
    EXPECT_EQ(config->endpoint.backlog.messages, 5U);
}

}  // namespace
}  // namespace haumea::connectors
