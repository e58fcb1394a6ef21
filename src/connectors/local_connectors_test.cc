#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "connect/memory_bus.h"
#include "connect/services.h"
#include "connectors/builtin.h"
#include "connectors/testing.h"
#include "io/virtual_scheduler.h"

namespace haumea::connectors {
namespace {

using Texts = std::vector<std::string>;

class LocalConnectors : public testing::Test {
  protected:
    LocalConnectors() : bus_(scheduler_), services_(scheduler_) {
        RegisterBuiltinConnectors(registry_);
        services_.memory_bus = &bus_;
        std::string name = (std::filesystem::temp_directory_path() / "haumea_XXXXXX").string();
        folder_ = mkdtemp(name.data());
        services_.data_dir = folder_;
    }
    ~LocalConnectors() override {
        source_.reset();
        std::filesystem::remove_all(folder_);
    }

    std::string MakeSource(std::string type, std::string datasource, std::string_view props) {
        connect::SourceSpec spec;
        spec.type = std::move(type);
        spec.datasource = std::move(datasource);
        spec.props = Props(props);
        auto source = registry_.FindSource(spec.type)->make(spec, services_);
        if (!source) {
            return source.error().message;
        }
        source_ = std::move(*source);
        const auto started = source_->Start(recorder_);
        return started ? "" : started.error().message;
    }
    std::unique_ptr<connect::Action> MakeAction(std::string type, std::string_view props) {
        connect::SinkSpec spec;
        spec.rule_id = "rule1";
        spec.type = std::move(type);
        spec.props = Props(props);
        auto action = connect::MakeAction(registry_, spec, {}, services_);
        EXPECT_TRUE(action) << action.error().message;
        EXPECT_TRUE((*action)->Open());
        return std::move(*action);
    }
    connect::Flow Emit(connect::Action& action, double a) {
        const Field field{"a", Value::Double(a)};
        const Value row = Value::Object({&field, 1});
        return action.Emit({.rows = {&row, 1}});
    }
    void Write(const std::string& name, std::string_view content) {
        std::ofstream(folder_ + "/" + name) << content;
    }
    std::string ReadBack(const std::string& name) {
        std::ifstream file(folder_ + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    io::VirtualScheduler scheduler_{1000};
    connect::MemoryBus bus_;
    connect::Services services_;
    connect::Registry registry_;
    std::string folder_;
    Recorder recorder_;
    std::unique_ptr<connect::Source> source_;
};

TEST_F(LocalConnectors, SimulatorRepeatsItsRowsInRhythm) {
    ASSERT_EQ(MakeSource("simulator", "", R"({"data":[{"a":1},{"a":2}],"interval":"10ms"})"), "");
    scheduler_.AdvanceTo(1009);
    EXPECT_EQ(recorder_.messages, Texts{});
    scheduler_.AdvanceTo(1030);
    EXPECT_EQ(recorder_.messages, (Texts{R"({"a":1})", R"({"a":2})", R"({"a":1})"}));
    source_->Stop();
    scheduler_.AdvanceTo(2000);
    EXPECT_EQ(recorder_.messages.size(), 3U);
}

TEST_F(LocalConnectors, SimulatorWithoutLoopEnds) {
    ASSERT_EQ(MakeSource("simulator", "", R"({"data":{"a":1},"interval":5,"loop":false})"), "");
    scheduler_.AdvanceTo(1100);
    EXPECT_EQ(recorder_.messages, Texts{R"({"a":1})"});
    EXPECT_TRUE(recorder_.ended);
    EXPECT_NE(MakeSource("simulator", "", R"({"data":[1]})").find("property data"), std::string::npos);
}

TEST_F(LocalConnectors, SimulatorWaitsWhilePaused) {
    recorder_.answer = connect::Flow::kPause;
    ASSERT_EQ(MakeSource("simulator", "", R"({"data":{"a":1},"interval":5})"), "");
    scheduler_.AdvanceTo(2000);
    EXPECT_EQ(recorder_.messages.size(), 1U);
    source_->Resume();
    scheduler_.AdvanceTo(2000);
    EXPECT_EQ(recorder_.messages.size(), 2U);
}

TEST_F(LocalConnectors, MemoryCarriesRowsFromRuleToRule) {
    ASSERT_EQ(MakeSource("memory", "home/+", "{}"), "");
    const auto action = MakeAction("memory", R"({"topic":"home/kitchen","fields":["a"]})");
    Emit(*action, 1);
    scheduler_.RunPosted();
    EXPECT_EQ(recorder_.messages, Texts{R"({"a":1})"});
    EXPECT_EQ(recorder_.last_meta->object().Get("topic").text(), "home/kitchen");
    EXPECT_EQ(action->nodes().back()->records_out.load(), 1);
    EXPECT_NE(MakeSource("memory", "a/#/b", "{}").find("invalid memory topic a/#/b"), std::string::npos);
    connect::SinkSpec spec;
    spec.type = "memory";
    spec.props = Props(R"({"topic":"a/#"})");
    EXPECT_NE(connect::MakeAction(registry_, spec, {}, services_).error().message.find("wildcard found"),
              std::string::npos);
}

TEST_F(LocalConnectors, AMemorySinkMakesItsRuleWaitForASlowReader) {
    recorder_.answer = connect::Flow::kPause;
    ASSERT_EQ(MakeSource("memory", "t", R"({"bufferLength":2})"), "");
    const auto action = MakeAction("memory", R"({"topic":"t"})");
    int resumed = 0;
    action->Close();
    action->SetResumeCallback([&resumed] { ++resumed; });
    ASSERT_TRUE(action->Open());
    EXPECT_EQ(Emit(*action, 1), connect::Flow::kContinue);
    EXPECT_EQ(Emit(*action, 2), connect::Flow::kPause);
    scheduler_.RunPosted();
    EXPECT_EQ(recorder_.messages.size(), 1U);
    recorder_.answer = connect::Flow::kContinue;
    source_->Resume();
    scheduler_.RunPosted();
    EXPECT_EQ(resumed, 1);
    EXPECT_EQ(recorder_.messages, (Texts{R"({"a":1})", R"({"a":2})"}));
    EXPECT_EQ(Emit(*action, 3), connect::Flow::kContinue);
    EXPECT_TRUE(recorder_.errors.empty());
}

TEST_F(LocalConnectors, NopAndLogCount) {
    for (const char* type : {"nop", "log"}) {
        const auto action = MakeAction(type, "{}");
        Emit(*action, 1);
        EXPECT_EQ(action->nodes().back()->records_out.load(), 1);
    }
}

TEST_F(LocalConnectors, FileLinesAreMessagesAndTheEndIsTold) {
    Write("in.txt", "skip\n{\"a\":1}\r\n\n{\"a\":2}\nlast");
    ASSERT_EQ(MakeSource("file", "in.txt", R"({"fileType":"lines","ignoreStartLines":1,"ignoreEndLines":1})"),
              "");
    scheduler_.AdvanceTo(1001);
    EXPECT_EQ(recorder_.messages, (Texts{R"({"a":1})", R"({"a":2})"}));
    EXPECT_TRUE(recorder_.ended);
}

TEST_F(LocalConnectors, FileCsvTakesNamesFromTheHeaderOrTheColumns) {
    Write("in.csv", "id,name\n1,x\n2\n");
    ASSERT_EQ(MakeSource("file", "in.csv", R"({"fileType":"csv","hasHeader":true})"), "");
    scheduler_.AdvanceTo(1001);
    EXPECT_EQ(recorder_.messages, (Texts{R"({"id":"1","name":"x"})", R"({"id":"2"})"}));
    recorder_.messages.clear();
    ASSERT_EQ(MakeSource("file", "in.csv", R"({"fileType":"csv","columns":["p","q"]})"), "");
    scheduler_.AdvanceTo(1002);
    EXPECT_EQ(recorder_.messages.at(0), R"({"p":"id","q":"name"})");
}

TEST_F(LocalConnectors, FileCsvWithQuotingHasValuesOverSeveralLines) {
    Write("in.csv",
          "id,\"the\nname\"\r\n1,\"a,\"\"b\"\"\r\nc\"\r\n\n2,x\"y\n\"3\"z,\n4,\"\"\n5,\"never\nclosed\n");
    ASSERT_EQ(MakeSource("file", "in.csv", R"({"fileType":"csv","hasHeader":true,"quoting":"rfc4180"})"), "");
    scheduler_.AdvanceTo(1001);
    EXPECT_EQ(recorder_.messages,
              (Texts{R"({"id":"1","the\nname":"a,\"b\"\r\nc"})", R"({"id":"2","the\nname":"x\"y"})",
                     R"({"id":"4","the\nname":""})"}));
    ASSERT_EQ(recorder_.errors.size(), 2U);
    EXPECT_THAT(recorder_.errors[0], testing::HasSubstr("goes on after its closing quote"));
    EXPECT_THAT(recorder_.errors[1], testing::HasSubstr("never closed, in the record \"5,\"never\""));
    EXPECT_TRUE(recorder_.ended);
    recorder_.messages.clear();
    ASSERT_EQ(MakeSource("file", "in.csv", R"({"fileType":"csv"})"), "");
    scheduler_.AdvanceTo(1002);
    EXPECT_EQ(recorder_.messages.at(1), R"({"col0":"name\""})") << "without it quotes are characters";
}

TEST_F(LocalConnectors, FileJsonSendsElementsAtTheirPaceAndAgainAfterTheInterval) {
    Write("in.json", R"([{"a":1},{"a":2}])");
    ASSERT_EQ(MakeSource("file", "in.json", R"({"interval":1000,"sendInterval":100})"), "");
    scheduler_.AdvanceTo(1050);
    EXPECT_EQ(recorder_.messages, Texts{R"({"a":1})"});
    scheduler_.AdvanceTo(1150);
    EXPECT_EQ(recorder_.messages.size(), 2U);
    scheduler_.AdvanceTo(2250);
    EXPECT_EQ(recorder_.messages.size(), 3U);
    EXPECT_FALSE(recorder_.ended);
}

TEST_F(LocalConnectors, FilesLargerThanAChunkComeWhole) {
    std::string content;
    for (int i = 0; i < 5000; ++i) {
        content += std::string(static_cast<size_t>(i % 97), 'x') + std::to_string(i) + "\n";
    }
    Write("big.txt", content);
    ASSERT_EQ(MakeSource("file", "big.txt", R"({"fileType":"lines"})"), "");
    scheduler_.AdvanceTo(1001);
    std::string joined;
    for (const std::string& message : recorder_.messages) {
        joined += message + "\n";
    }
    EXPECT_EQ(joined, content);
}

TEST_F(LocalConnectors, BrokenAndMissingFilesAreNamed) {
    EXPECT_NE(MakeSource("file", "none.json", "{}").find("none.json"), std::string::npos);
    EXPECT_NE(MakeSource("file", "/", R"({"fileType":"lines"})").find("it is a folder"), std::string::npos);
    Write("bad.json", R"([{"a":1},{"a":}])");
    ASSERT_EQ(MakeSource("file", "bad.json", "{}"), "");
    scheduler_.AdvanceTo(1001);
    EXPECT_EQ(recorder_.messages.size(), 1U);
    EXPECT_EQ(recorder_.errors.size(), 1U);
    EXPECT_TRUE(recorder_.ended);
}

// To open or read them could hold everything up for ever.
TEST_F(LocalConnectors, PipesAndDevicesAreNoFiles) {
    const std::string pipe = folder_ + "/pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    for (const std::string& path : {pipe, std::string("/dev/zero")}) {
        EXPECT_NE(MakeSource("file", path, R"({"fileType":"lines"})").find("it is no regular file"),
                  std::string::npos)
            << path;
        connect::SinkSpec spec;
        spec.type = "file";
        spec.props = Props(R"({"path":")" + path + R"("})");
        const auto action = connect::MakeAction(registry_, spec, {}, services_);
        ASSERT_TRUE(action) << action.error().message;
        const auto opened = (*action)->Open();
        ASSERT_FALSE(opened) << path;
        EXPECT_NE(opened.error().message.find("it is no regular file"), std::string::npos)
            << opened.error().message;
    }
}

TEST_F(LocalConnectors, ManyEmptyLinesLeaveTurnsToOthers) {
    Write("empty.txt", std::string(3'000'000, '\n') + "last\n");
    ASSERT_EQ(MakeSource("file", "empty.txt", R"({"fileType":"lines"})"), "");
    int turns = 0;
    std::function<void()> other = [&] {
        if (++turns; recorder_.messages.empty()) {
            scheduler_.RunAfter(0, other);
        }
    };
    other();
    scheduler_.AdvanceTo(1001);
    EXPECT_EQ(recorder_.messages, Texts{"last"});
    EXPECT_GT(turns, 10);
}

TEST_F(LocalConnectors, FileSinkAppendsLinesOrWritesOneArray) {
    for (int run = 0; run < 2; ++run) {
        const auto action = MakeAction("file", R"({"path":")" + folder_ + R"(/out.txt","sendSingle":true})");
        Emit(*action, run);
        action->Close();
    }
    EXPECT_EQ(ReadBack("out.txt"), "{\"a\":0}\n{\"a\":1}\n");
    const auto action =
        MakeAction("file", R"({"path":")" + folder_ + R"(/out.json","fileType":"json","sendSingle":true})");
    Emit(*action, 1);
    Emit(*action, 2);
    action->Close();
    EXPECT_EQ(ReadBack("out.json"), R"([{"a":1},{"a":2}])");
}

TEST_F(LocalConnectors, UnknownPropertiesAreAcceptedWithAWarning) {
    const auto action = MakeAction("nop", R"({"unknownProp":1,"LOG":false,"sendSingle":true})");
    EXPECT_EQ(action->warnings(), Texts{"sink nop: unknown property unknownProp has no effect"});
}

}  // namespace
}  // namespace haumea::connectors
