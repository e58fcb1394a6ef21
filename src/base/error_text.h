#pragma once

#include <string>

namespace haumea {

// The system's words for an errno, as they stand inside a sentence: "connection refused".
std::string ErrorText(int error);

}  // namespace haumea
