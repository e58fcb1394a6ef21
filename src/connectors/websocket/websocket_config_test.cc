#include "connectors/websocket/websocket_config.h"

#include <gtest/gtest.h>

#include <tuple>

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
    EXPECT_EQ(ErrorOf(R"({"path":"x"})"),
              "websocket endpoint should start with /: path is \"x\", write \"/x\"");
    EXPECT_EQ(
        ErrorOf(R"({"datasource":"x","addr":"h:1"})"),
        "websocket endpoint should start with /: datasource is \"x\", write \"/x\" (eKuiper 1.x let the path "
        "of a client go without)");
}

TEST(WebSocketConfig, ErrorsShowNoQueryWhichMayHoldAToken) {
    for (const char* props :
         {R"({"path":"x?token=s3cret"})", R"({"path":"/x?token=s3cret"})",
          R"({"addr":"h","path":"/x?token=s3cret","datasource":"/y?token=s3cret"})",
          R"({"addr":"h","path":"/x?token=s3cret#y"})", R"({"addr":"h","path":"x?token=s3cret"})"}) {
        const std::string error = ErrorOf(props);
        EXPECT_NE(error, "") << props;
        EXPECT_EQ(error.find("s3cret"), std::string::npos) << error;
    }
}

TEST(WebSocketConfig, NamesThatDifferInCaseAloneMayNotDisagree) {
    EXPECT_EQ(
        ErrorOf(R"({"PATH":"/a","path":"/b"})"),
        "sink websocket: property PATH is given twice with different values, also as path: give only one");
    EXPECT_EQ(ErrorOf(R"({"PATH":"/a","path":"/a"})"), "");
}

TEST(WebSocketConfig, MistakesInTlsNameThePropertyAndTheRemedy) {
    const std::pair<const char*, const char*> cases[] = {
        {R"("certificationPath":"no.pem","privateKeyPath":"k")",
         "property certificationPath: certificate \"no.pem\" cannot be read: no such file or directory; "
         "relative "
         "names are taken from the working directory /"},
        {R"("rootCaPath":"/no.pem")", "property rootCaPath: CA certificate \"/no.pem\" cannot be read"},
        {R"("certificationPath":"c.pem")",
         "property certificationPath: a certificate is given without its private key (privateKeyPath or "
         "privateKeyRaw); give both or none"},
        {R"("privateKeyRaw":"aGkK")",
         "property privateKeyRaw: a private key is given without its certificate"},
        {R"("rootCARaw":"aGkK")", "property rootCARaw: the CA certificate text holds no PEM certificate"},
        {R"("rootCARaw":"aG kK")",
         "property rootCARaw is no base64 (byte 2 is not of its alphabet): give the"},
        {R"("rootCARaw":"aGkKX")", "property rootCARaw is no base64 (it is cut off, or its padding (=) is)"},
        {R"("certficationRaw":"-----BEGIN X","privateKeyRaw":"aGkK")",
         "property certficationRaw is no base64 (it is the PEM text itself): give the base64 of a PEM text, "
         "or a "
         "file with certificationPath"},
        {R"("scheme":"ws","certificationPath":"c","privateKeyRaw":"aGkK")",
         "property scheme is \"ws\", but certificates are given (certificationPath, privateKeyRaw): set "
         "scheme to "
         "wss or leave them out"},
    };
    for (const char* addr : {R"("addr":"h:1",)", ""}) {  // both roles
        for (const auto& [props, text] : cases) {
            const std::string error = ErrorOf(fmt::format(R"({{{}"path":"/",{}}})", addr, props));
            EXPECT_TRUE(error.starts_with(std::string("sink websocket: ") + text))
                << props << " gives: " << error;
        }
    }
}

TEST(WebSocketConfig, WhatHasNoEffectInThisRoleIsWarnedOf) {
    const auto warnings = [](const char* props) {
        const auto config = Read(props);
        return config ? config->warnings : std::vector<std::string>{config.error().message};
    };
    using Texts = std::vector<std::string>;
    EXPECT_EQ(
        warnings(R"({"path":"/","scheme":"wss","insecureSkipVerify":true,"tlsMinVersion":"tls1.3"})"),
        Texts{"sink websocket: without addr insecureSkipVerify, tlsMinVersion, scheme has no effect: TLS of "
              "what is served is set by source.httpServerTls"});
    EXPECT_EQ(
        warnings(
            R"({"path":"/","scheme":"ws","insecureSkipVerify":false,"tlsMinVersion":"","rootCaPath":""})"),
        Texts{});
    EXPECT_EQ(warnings(R"({"addr":"h","path":"/","scheme":"ws","tlsMinVersion":"tls1.3"})"),
              Texts{"sink websocket: tlsMinVersion has no effect with scheme ws"});
    EXPECT_EQ(warnings(R"({"path":"/","writeTimeout":"1s","reconnectMultiplier":2})"),
              (Texts{"sink websocket: property reconnectMultiplier has no effect without addr",
                     "sink websocket: property writeTimeout has no effect without addr"}));
    EXPECT_EQ(warnings(R"({"addr":"h","path":"/","maxClients":5})"),
              Texts{"sink websocket: property maxClients has no effect with addr"});
    EXPECT_EQ(warnings(R"({"addr":"h","path":"/","pingInterval":"1s","slowConsumer":"drop_newest"})"),
              Texts{});
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
        {R"({"addr":"a:1\r\nX: y","path":"/"})", "addr"},
        {R"({"addr":"a:1","path":"/x\r\nX: y"})", "control character"},
        {R"({"path":"/x\r\nX: y"})", "path"},
        {R"({"addr":"a:1","path":"/","requestHeader":{"A":"1\r\nX: y"}})", "request header A"},
        {R"({"addr":"a:1","path":"/","requestHeader":{"A: 1\r\nX":"y"}})", "request header name"},
        {R"({"path":"/","requestHeader":{"A":"1\r\nX: y"}})", "request header A"},
        {R"({"path":"/","requestHeader":{"A":["1",true]}})", "requestHeader.A is of type boolean"},
        {R"({"addr":"h","path":"/","reconnectMultiplier":"2"})", "reconnectMultiplier is \"2\""},
        {R"({"addr":"h","path":"/","proxy":"http://{{.a}}:1"})", "proxy may not hold a template"},
        {R"({"addr":"wss://h:1","path":"/"})", "has a scheme: write host:port alone"},
        {R"({"addr":"[zz]:1","path":"/"})", "has to be an IPv6 address"},
        {R"({"addr":"a{b}:1","path":"/"})", "a host name has letters"},
        {R"({"addr":"u:p@h:1","path":"/"})", "property addr: address \"******@h:1\" has user and password"},
        {R"({"path":"/c/{id:[0-9]+}"})", "without a pattern"},
        {R"({"path":"/c/{id}/{id}"})", "the same name"},
        {R"({"path":"/","subprotocols":["a b"]})", "subprotocols"},
        {R"({"path":"/","permessageDeflate":{"windowBits":7}})", "windowBits is 7"},
        {R"({"path":"/","permessageDeflate":{"level":"best"}})", "permessageDeflate"},
        {R"({"path":"/","permessageDeflate":"yes"})", "permessageDeflate"},
        {R"({"addr":"a:1","path":"/","proxy":"https://h:1"})", "has to be http"},
        {R"({"addr":"a:1","path":"/","proxy":"h:0"})", "proxy is \"h:0\""},
        {R"({"addr":"a:1","path":"/","tlsMinVersion":"1.1"})", "tlsMinVersion is \"1.1\""},
    };
    for (const auto& [props, text] : cases) {
        EXPECT_NE(ErrorOf(props).find(text), std::string::npos) << props << " gives: " << ErrorOf(props);
    }
}

Result<WebSocketConfig> ReadDynamic(std::string_view props) {
    const config::Node node = std::move(*config::ParseJson(props));
    return ReadWebSocketConfig(node, "", "sink websocket", Templates::kAllowed);
}

TEST(WebSocketConfig, PathAndHeaderValuesMayBeTemplatesOfASink) {
    const auto config = ReadDynamic(
        R"({"addr":"h","path":"/c/{{.id}}","requestHeader":{"A":"x","B":["y","{{.b}}"]},
            "maxDynamicTargets":5,"dynamicTargetIdle":"3s"})");
    ASSERT_TRUE(config) << config.error().message;
    ASSERT_EQ(config->dynamic.size(), 2U);
    EXPECT_EQ(config->dynamic[0].name, "path");
    EXPECT_EQ(config->dynamic[1].name, "requestHeader.B");
    EXPECT_EQ(config->max_dynamic_targets, 5U);
    EXPECT_EQ(config->dynamic_target_idle_ms, 3000);
    const std::string_view values[] = {"/c/7?x=1", "Bearer a b"};
    const auto filled = WithValues(*config, values);
    ASSERT_TRUE(filled) << filled.error().message;
    EXPECT_EQ(filled->target.path, "/c/7?x=1");
    EXPECT_EQ(filled->target.headers[2], (std::pair<std::string, std::string>("B", "Bearer a b")));
    EXPECT_TRUE(filled->dynamic.empty());
}

TEST(WebSocketConfig, TemplatesElsewhereAreRefusedByName) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"addr":"{{.a}}","path":"/"})", "property addr may not hold a template"},
        {R"({"addr":"h","path":"/","rootCaPath":"/x/{{.a}}.pem"})", "property rootCaPath may not hold"},
        {R"({"addr":"h","path":"/","connectionSelector":"{{.a}}"})", "connectionSelector may not hold"},
        {R"({"path":"c/{{.a}}"})", "websocket endpoint should start with /"},
        {R"({"path":"/c/{{.a}}","checkConnection":true})", "checkConnection is true, but path holds"},
        {R"({"addr":"h","path":"/{{.a}}","requestHeader":{"Upgrade":"x"}})", "Upgrade"},
        {R"({"addr":"h","path":"/","requestHeader":{"Up grade":"{{.a}}"}})", "Up grade"},
        {R"({"path":"/{{.a}}","maxDynamicTargets":0})", "maxDynamicTargets is 0"},
        {R"({"path":"/{{.a}}","dynamicTargetIdle":"0s"})", "dynamicTargetIdle is 0 ms"},
    };
    for (const auto& [props, text] : cases) {
        const auto config = ReadDynamic(props);
        ASSERT_FALSE(config) << props;
        EXPECT_NE(config.error().message.find(text), std::string::npos) << config.error().message;
    }
    EXPECT_NE(ErrorOf(R"({"path":"/c/{{.a}}"})").find("path may not hold a template here"),
              std::string::npos);
}

TEST(WebSocketConfig, ValuesOfTemplatesAreCheckedLikeStaticOnes) {
    const std::tuple<const char*, std::string_view, const char*> cases[] = {
        {R"({"path":"{{.a}}"})", "x",
         "property path: the value of its template is \"x\": websocket endpoint"},
        {R"({"path":"/{{.a}}"})", "/a b", "it has a space at byte 2"},
        {R"({"path":"/{{.a}}"})", "/a\r\nX: y",
         "\"/a\\x0d\\x0aX: y\": it has the control character 0x0d at byte 2"},
        {R"({"path":"/{{.a}}"})", std::string_view("/a\0b", 4), "control character 0x00"},
        {R"({"path":"/{{.a}}"})", "/a?b", "no query"},
        {R"({"path":"/{{.a}}"})", "/{x}", "braces"},
        {R"({"path":"/{{.a}}"})", "/<no value>", "space"},
        {R"({"addr":"h","path":"/{{.a}}"})", "/a#b", "fragment"},
        {R"({"addr":"h","path":"/{{.a}}"})", "/a\tb", "control character 0x09"},
        {R"({"addr":"h","path":"/","requestHeader":{"A":"{{.a}}"}})", "b\nC: d",
         "property requestHeader.A: the value of its template is not shown: it has the control character "
         "0x0a at "
         "byte 1"},
        {R"({"addr":"h","path":"/","requestHeader":{"A":"{{.a}}"}})", "Bearer <no value>",
         "a field that the template names is missing"},
    };
    for (const auto& [props, value, text] : cases) {
        const auto config = ReadDynamic(props);
        ASSERT_TRUE(config) << config.error().message;
        const auto filled = WithValues(*config, {&value, 1});
        ASSERT_FALSE(filled) << value;
        EXPECT_NE(filled.error().message.find(text), std::string::npos) << filled.error().message;
    }
    const std::string huge = "/" + std::string(5000, 'x');
    const std::string_view value = huge;
    EXPECT_NE(
        WithValues(*ReadDynamic(R"({"path":"/{{.a}}"})"), {&value, 1}).error().message.find("5001 bytes"),
        std::string::npos);
}

TEST(WebSocketConfig, CompressionMayBeTuned) {
    const auto served =
        Read(R"({"path":"/","permessageDeflate":{"threshold":10,"level":9,"windowBits":12}})");
    ASSERT_TRUE(served) << served.error().message;
    EXPECT_TRUE(served->endpoint.permessage_deflate);
    EXPECT_EQ(served->endpoint.deflate, (ws::DeflateTuning{10, 9, 12}));
    EXPECT_FALSE(Read(R"({"path":"/","permessageDeflate":{"enabled":false}})")->endpoint.permessage_deflate);
    const auto dialled = Read(R"({"addr":"h","path":"/","permessageDeflate":{"windowBits":9,"Level":1}})");
    ASSERT_TRUE(dialled) << dialled.error().message;
    EXPECT_EQ(dialled->target.deflate.client_max_window_bits, 9);
    EXPECT_EQ(Read(R"({"path":"/","permessageDeflate":{"bits":9}})")->warnings.size(), 1U);
}

TEST(WebSocketConfig, AProxyIsPartOfWhatIsDialled) {
    const auto direct = Read(R"({"addr":"h:1","path":"/"})");
    const auto proxied = Read(R"({"addr":"h:1","path":"/","proxy":"http://u:p%40@[::1]:3128"})");
    ASSERT_TRUE(proxied) << proxied.error().message;
    EXPECT_FALSE(proxied->target == direct->target);
    EXPECT_EQ(proxied->target.proxy->Name(), "[::1]:3128");
    EXPECT_EQ(Read(R"({"path":"/","proxy":"h:1"})")->warnings.size(), 1U);
    EXPECT_EQ(ErrorOf(R"({"addr":"h:1","path":"/","proxy":"http://u:s3cret@h:x"})").find("s3cret"),
              std::string::npos);
}

TEST(WebSocketConfig, OldPropertiesAreAcceptedWithAWarning) {
    const auto config = Read(R"({"path":"/","maxConnRetry":3,"renegotiationSupport":"never"})");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->warnings.size(), 2U);
}

TEST(WebSocketConfig, SettingsOfTheDataServerSayWhereTheyBelong) {
    const auto config = Read(R"({"path":"/","handshakeTimeout":"1s","maxClientsPerAddress":5})");
    ASSERT_TRUE(config) << config.error().message;
    ASSERT_EQ(config->warnings.size(), 2U);
    EXPECT_NE(config->warnings[0].find("source.handshakeTimeout"), std::string::npos);
    EXPECT_NE(config->warnings[1].find("source.maxClientsPerAddress"), std::string::npos);
}

TEST(WebSocketConfig, AFirstDelayBeyondTheLongestIsWarnedOf) {
    EXPECT_EQ(Read(R"({"addr":"h:1","path":"/","reconnectInitialDelay":"20s"})")->warnings.size(), 1U);
    EXPECT_EQ(Read(R"({"addr":"h:1","path":"/","reconnectInitialDelay":"20s","reconnectMaxDelay":"30s"})")
                  ->warnings.size(),
              0U);
}

TEST(WebSocketConfig, BufferLengthBoundsTheQueueOfTheClientRole) {
    const auto config = Read(R"({"addr":"h","path":"/","bufferLength":10,"backlogMessages":5})");
    EXPECT_EQ(config->behaviour.backlog_messages, 10U);
    EXPECT_EQ(config->endpoint.backlog.messages, 5U);
}

}  // namespace
}  // namespace haumea::connectors
