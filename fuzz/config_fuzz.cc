#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/node.h"
#include "config/settings.h"

// The first byte chooses: any bytes as JSON, as YAML, or as the file etc/haumea.yaml of a server that starts.
// What was read as JSON is the same when it is written and read again; every mistake is an error with a text.

namespace {

namespace fs = std::filesystem;

// Where files cost no disk, if there is such a place.
fs::path Folder() {
    const fs::path memory = "/dev/shm";
    return (fs::is_directory(memory) ? memory : fs::temp_directory_path()) /
           ("haumea-config-fuzz-" + std::to_string(getpid()));
}

fs::path MakeFolder() {
    fs::create_directories(Folder());
    std::atexit([] { fs::remove_all(Folder()); });
    return Folder();
}

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

void FuzzFile(std::string_view bytes) {
    static const fs::path folder = MakeFolder();
    std::ofstream(folder / "haumea.yaml", std::ios::binary) << bytes;
    const auto loaded = haumea::config::LoadConfiguration(folder.string(), {});
    if (!loaded && loaded.error().message.empty()) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            FuzzJson(bytes);
            break;
        case 1:
            static_cast<void>(haumea::config::ParseYaml(bytes));
            break;
        default:
            FuzzFile(bytes);
            break;
    }
    return 0;
}
