#pragma once

#include <string>

namespace haumea::connectors {

// Where a file name of a stream or rule leads: absolute ones to themselves; relative ones below the working
// directory when the file (or, to be written, its folder) is there, else below `data_dir`.
std::string FileToRead(const std::string& name, const std::string& data_dir);
std::string FileToWrite(const std::string& name, const std::string& data_dir);

}  // namespace haumea::connectors
