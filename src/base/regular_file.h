#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"

namespace haumea {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

enum class FileMode : uint8_t { kRead, kAppend, kOverwrite };

// Opens a regular file; the last two modes create it. Folders, pipes, sockets and devices are refused, as
// reading or writing them could hold the caller up for ever. The error is the reason alone: "it is a folder".
// Any thread.
Result<FilePtr> OpenRegularFile(const std::string& path, FileMode mode);

}  // namespace haumea
