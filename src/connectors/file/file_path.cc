#include "connectors/file/file_path.h"

#include <filesystem>

namespace haumea::connectors {

namespace fs = std::filesystem;

std::string FileToRead(const std::string& name, const std::string& data_dir) {
    std::error_code ignored;
    const fs::path path(name);
    return path.is_absolute() || fs::exists(path, ignored) ? name : (fs::path(data_dir) / path).string();
}

std::string FileToWrite(const std::string& name, const std::string& data_dir) {
    std::error_code ignored;
    const fs::path path(name);
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    return path.is_absolute() || fs::is_directory(folder, ignored) ? name
                                                                   : (fs::path(data_dir) / path).string();
}

}  // namespace haumea::connectors
