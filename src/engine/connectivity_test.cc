#include "engine/connectivity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <semaphore>
#include <thread>
#include <tuple>

namespace haumea::engine {
namespace {

using connectors::WebSocketConfig;
using ::testing::HasSubstr;

ws::ServerSettings Loopback() {
    ws::ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = 0;
    return settings;
}

// A data loop that serves /remote, which the client role dials.
class ConnectivityTest : public ::testing::Test {
  protected:
    ConnectivityTest() : thread_([this] { loop_.Run(); }) {
        loop_.RunSync([this] {
            server_.emplace(loop_, Loopback());
            clients_.emplace(loop_);
            auto acquired = server_->Acquire("/remote", {}, "test");
            if (acquired) {
                remote_ = std::move(*acquired);
            }
        });
        connectivity_.emplace(loop_, *server_, *clients_);
        connectivity_->OnAnswer([this](const Result<void>&) { answers_.release(); });
    }
    ~ConnectivityTest() override {
        loop_.RunSync([this] {
            remote_.Reset();
            clients_.reset();
            server_.reset();
        });
        loop_.Stop();
        thread_.join();
    }
    WebSocketConfig Remote(const std::string& path) {
        WebSocketConfig config;
        config.client_role = true;
        config.path = path;
        config.target.host = "127.0.0.1";
        config.target.port = server_->port();
        config.target.path = path;
        config.behaviour.close_timeout_ms = 200;
        return config;
    }
    static WebSocketConfig Served(const std::string& path) {
        WebSocketConfig config;
        config.path = path;
        return config;
    }
    // Asks a first time, and again when the dial that this has begun has ended.
    Result<void> AskTwice(const std::string& user, const WebSocketConfig& config) {
        const auto first = connectivity_->Require(user, config);
        EXPECT_FALSE(first);
        EXPECT_THAT(first.error().message, HasSubstr("waits for the connection to ws://127.0.0.1"));
        EXPECT_EQ(first.error().code, ErrorCode::kIo);
        EXPECT_TRUE(answers_.try_acquire_for(std::chrono::seconds(20)));
        return connectivity_->Require(user, config);
    }

    io::Loop loop_;
    std::optional<ws::Server> server_;
    std::optional<ws::ClientPool> clients_;
    ws::EndpointRef remote_;
    std::optional<Connectivity> connectivity_;
    std::counting_semaphore<> answers_{0};  // of dials in the background
    std::thread thread_;
};

TEST_F(ConnectivityTest, ACheckDialsAndLeavesNothing) {
    EXPECT_TRUE(connectivity_->Check(Remote("/remote")));
    const auto refused = connectivity_->Check(Remote("/nowhere"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("404"));
    loop_.RunSync([this] { EXPECT_TRUE(clients_->clients().empty()); });
}

TEST_F(ConnectivityTest, ServedPathsNeedThePortOnlyForACheckAndAClientForARule) {
    EXPECT_TRUE(connectivity_->Check(Served("/any")));
    const auto missing = connectivity_->Require("r 0", Served("/any"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "websocket has no endpoint /any");
    EXPECT_EQ(missing.error().code, ErrorCode::kIo);
}

TEST_F(ConnectivityTest, WhoWaitsForTheAnswerGetsIt) {
    const Connectivity::Patience waits(*connectivity_);
    EXPECT_TRUE(connectivity_->Require("r 0", Remote("/remote")));
    const auto refused = connectivity_->Require("r 0", Remote("/nowhere"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kIo);
}

TEST_F(ConnectivityTest, WhoCanAskAgainWaitsForNothingAndKeepsWhatHasBeenAnswered) {
    std::shared_ptr<void> memory;
    const auto ask = [&](const std::string& second) {
        const Connectivity::Patience patience(*connectivity_, &memory);
        const bool first = connectivity_->Require("r 0", Remote("/remote")).has_value();
        const auto result = first ? connectivity_->Check(Remote(second)) : Result<void>();
        return std::make_tuple(first, result ? std::string() : result.error().message, patience.postponed());
    };
    const auto answer = [&](const std::string& second) {
        auto asked = ask(second);
        while (std::get<2>(asked)) {
            EXPECT_TRUE(answers_.try_acquire_for(std::chrono::seconds(20)));
            asked = ask(second);
        }
        return asked;
    };
    const auto refused = answer("/nowhere");
    EXPECT_TRUE(std::get<0>(refused));
    EXPECT_THAT(std::get<1>(refused), HasSubstr("404"));
    EXPECT_EQ(std::get<1>(answer("/remote")), "") << "another question is not answered by that";
    loop_.RunSync([this] {
        EXPECT_EQ(server_->Find("/remote")->stats().connected_total, 2U)
            << "what was answered is not dialled again";
    });
}

TEST_F(ConnectivityTest, InTheBackgroundTheAnswerComesWithALaterQuestion) {
    EXPECT_TRUE(AskTwice("r 0", Remote("/remote")));
    const auto refused = AskTwice("other 0", Remote("/nowhere"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("404"));
}

}  // namespace
}  // namespace haumea::engine
