#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace haumea::log {
namespace {

TEST(Log, ALineStaysOneLineWhateverItsTextHolds) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("haumea-log-" + std::to_string(::getpid()))).string();
    Init(Level::kInfo, false, path);
    Info("closed: {}", "x\n2026-11-28T10:00:00.000 error stopped\r\x1b[2J");
    Init(Level::kInfo, true, "");
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    std::filesystem::remove(path);
    EXPECT_TRUE(text.str().ends_with(" info closed: x?2026-11-28T10:00:00.000 error stopped??[2J\n"))
        << text.str();
}

TEST(Log, OneLineReplacesControlCharactersAndKeepsTabsAndLetters) {
    EXPECT_EQ(OneLine("plain\ttext"), "plain\ttext");
    EXPECT_EQ(OneLine(std::string_view("a\0b\x7f", 4)), "a?b?");
    EXPECT_EQ(OneLine("Gr\xC3\xBC\xC3\x9F"
                      "e \xC2\xB0"),
              "Gr\xC3\xBC\xC3\x9F"
              "e \xC2\xB0");
    EXPECT_EQ(OneLine("csi \xC2\x9B"
                      "2J"),
              "csi ??2J");  // U+009B begins an escape sequence of its own
}

}  // namespace
}  // namespace haumea::log
