#include <cstdlib>
#include <fstream>
#include <string_view>

#include "config/node.h"
#include "config/settings.h"
#include "fuzz_input.h"

// The first byte chooses: any bytes as JSON, as YAML, or as the file etc/haumea.yaml of a server that starts.
// What was read as JSON is the same when it is written and read again; every mistake is an error with a text.

namespace {

void FuzzJson(std::string_view bytes) {
    const auto parsed = haumea::config::ParseJson(bytes);
    if (!parsed) {
        if (parsed.error().message.empty()) {
            std::abort();
        }
        return;
    }
    // A second time, since -0 is written as it was and read as the integer it is.
    const auto once = haumea::config::ParseJson(haumea::config::ToJson(*parsed));
    const auto twice = once ? haumea::config::ParseJson(haumea::config::ToJson(*once)) : once;
    if (!twice || !(*twice == *once)) {
        std::abort();
    }
}

void FuzzYaml(std::string_view bytes) { static_cast<void>(haumea::config::ParseYaml(bytes)); }

void FuzzFile(std::string_view bytes) {
    std::ofstream(haumea::fuzz::Folder() / "haumea.yaml", std::ios::binary) << bytes;
    const auto loaded = haumea::config::LoadConfiguration(haumea::fuzz::Folder().string(), {});
    if (!loaded && loaded.error().message.empty()) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return haumea::fuzz::Choose(data, size, std::array{&FuzzJson, &FuzzYaml, &FuzzFile});
}
