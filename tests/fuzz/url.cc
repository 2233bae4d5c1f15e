#include "config/url.h"

#include <fmt/format.h>

#include "base/error.h"
#include "config/database_url.h"
#include "config/registry_url.h"
#include "fuzz.h"

namespace dsfailover {
namespace {

constexpr std::string_view kSecret = "hunter2";

bool shows_secret(std::string_view text) { return text.find(kSecret) != std::string_view::npos; }

void try_url(std::string_view text) {
    std::vector<std::string> said = {shown_url(text)};
    const auto warned = [&](const auto& url) {
        if (url) said.insert(said.end(), url->warnings.begin(), url->warnings.end());
    };
    try {
        parse_url(text, "--registry");
    } catch (const UsageError& error) {
        said.emplace_back(error.what());
    }
    try {
        warned(std::optional(read_registry_url(text, "--registry")));
    } catch (const UsageError& error) {
        said.emplace_back(error.what());
    }
    try {
        const DatabaseUrl url = read_database_url(text, "--database");
        said.push_back(url.settings.endpoint());
        warned(std::optional(url));
    } catch (const UsageError& error) {
        said.emplace_back(error.what());
    }
    for (const std::string& each : said) require(!shows_secret(each), "no message shows a secret");
}

}  // namespace

void try_input(std::string_view text) {
    if (shows_secret(text)) return;
    try_url(text);
    // With a password where one can stand.
    if (text.starts_with("sqlite:")) return;
    const auto authority = text.find("://");
    if (authority != std::string_view::npos && text.find('@') == std::string_view::npos)
        try_url(fmt::format("{}://user:{}@{}", text.substr(0, authority), kSecret,
                            text.substr(authority + 3)));
    const bool has_parameters = text.find('?') != std::string_view::npos;
    try_url(fmt::format("{}{}password={}", text, has_parameters ? '&' : '?', kSecret));
}

}  // namespace dsfailover
