#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

// What several fuzzers do with their input.
namespace haumea::fuzz {

// The first byte chooses one of `targets`, the rest goes to it.
template <size_t kCount>
int Choose(const uint8_t* data, size_t size, const std::array<void (*)(std::string_view), kCount>& targets) {
    if (size != 0) {
        targets[data[0] % kCount]({reinterpret_cast<const char*>(data) + 1, size - 1});
    }
    return 0;
}

// Every line of an HTTP head of ours ends with CRLF, and no control character but a tab stands in it.
// Returns the place of the empty line.
inline size_t CheckHead(std::string_view head) {
    const size_t end = head.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        std::abort();
    }
    for (size_t i = 0; i < end; ++i) {
        const auto byte = static_cast<unsigned char>(head[i]);
        const bool is_control = byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n';
        if (is_control || (head[i] == '\n' && (i == 0 || head[i - 1] != '\r'))) {
            std::abort();
        }
    }
    return end;
}

// A folder of this process, made at the first call, where files cost no disk if there is such a place. It
// goes when the process ends.
inline const std::filesystem::path& Folder() {
    namespace fs = std::filesystem;
    static const fs::path kFolder = [] {
        const fs::path memory = "/dev/shm";
        fs::path folder = (fs::is_directory(memory) ? memory : fs::temp_directory_path()) /
                          ("haumea-fuzz-" + std::to_string(getpid()));
        fs::create_directories(folder);
        return folder;
    }();
    static const int kRemoved = std::atexit([] { fs::remove_all(Folder()); });
    static_cast<void>(kRemoved);
    return kFolder;
}

}  // namespace haumea::fuzz
