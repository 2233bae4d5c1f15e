#include "cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "base/nearest.h"
#include "cli/version.h"
#include "config/url.h"

namespace dsfailover {
namespace {

constexpr std::size_t kNameColumn = 34;
constexpr std::size_t kOptionWidth = 62;
constexpr std::size_t kTextWidth = 80;

constexpr std::string_view kDescription =
    "Fails over workflows and tasks of Apache DolphinScheduler by hand, and safely.";

constexpr std::string_view kFooter =
    "Options but those for the command line only can also be given in the\n"
    "environment (DSFAILOVER_GRACE=1m), in a --config file (grace: 1m), or in\n"
    "~/.config/dsfailover/config.yaml or /etc/dsfailover/config.yaml.\n"
    "TIME is epoch milliseconds or RFC 3339, DURATION is 90s, 15m, 12h or 7d.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or configuration, 3 needs a person,\n"
    "4 refused: the server is alive, 5 lock not acquired, 6 registry or database\n"
    "not usable, 7 status --check found something, 130 or 143 interrupted.";

/// `text` with line ends in place of some blanks; a line end in it stays.
std::string wrapped(std::string_view text, std::size_t width = kOptionWidth) {
    if (const auto end = text.find('\n'); end != std::string_view::npos)
        return wrapped(text.substr(0, end), width) + '\n' + wrapped(text.substr(end + 1), width);
    std::string result;
    std::size_t column = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (column > 0 && column + 1 + end > width) {
            result += '\n';
            column = 0;
        } else if (column > 0) {
            result += ' ';
            ++column;
        }
        result += text.substr(0, end);
        column += end;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

std::string help_of(const OptionSpec& option) {
    std::string help(option.help);
    const std::string standing = option.default_text();
    if (option.command_line_only) help += " Command line only.";
    if (!standing.empty()) help += fmt::format(" ({})", standing);
    return wrapped(help);
}

/// What CLI11 would misread: "--grace=" (it takes the next argument for the value), a flag with a
/// value that is neither true nor false, and an option that needs no value, which would take the
/// argument behind it for one. The result is in reverse order, as CLI11 wants it.
std::vector<std::string> arguments_for_cli11(const std::vector<std::string>& arguments) {
    std::vector<std::string> result;
    bool options_end = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        options_end = options_end || argument == "--";
        if (!options_end && argument.starts_with("--")) {
            const OptionSpec* bare = find_option(std::string_view(argument).substr(2));
            if (bare && !bare->bare_value.empty() &&
                !(i + 1 < arguments.size() && bare->takes(arguments[i + 1]))) {
                result.push_back(argument + "=" + std::string(bare->bare_value));
                continue;
            }
        }
        const auto equals = argument.find('=');
        if (options_end || !argument.starts_with("--") || equals == std::string::npos) {
            result.push_back(argument);
            continue;
        }
        const std::string name = argument.substr(2, equals - 2);
        const std::string value = argument.substr(equals + 1);
        const OptionSpec* option = find_option(name);
        if (option != nullptr && option->is_flag()) {
            if (is_set({{name, OptionValue{value, Source::command_line, "--" + name}}}, name))
                result.push_back("--" + name);
        } else if (value.empty()) {
            result.push_back("--" + name);
            result.emplace_back();
        } else {
            result.push_back(argument);
        }
    }
    std::ranges::reverse(result);
    return result;
}

/// Lines, or JSON where that is asked for; --version takes nothing else.
std::string version_text(const std::vector<std::string>& arguments) {
    const std::string given = fmt::format("{}", fmt::join(arguments, "="));
    if (given.empty() || given == "--format=table") return version_lines();
    if (given == "--format=json") return version_json();
    throw UsageError("--version takes nothing but --format json or --format table");
}

/// CLI11's parser with our commands in it.
class Parser {
  public:
    Parser() : app_(std::string(kDescription), "dsfailover") {
        app_.add_flag("--version", kVersionHelp);
        app_.set_help_flag("-h,--help", "Print this help and exit");
        app_.get_formatter()->column_width(kNameColumn);
        app_.require_subcommand(1);
        app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
        app_.footer(
            "dsfailover COMMAND --help says more about a command. Start with:\n"
            "  dsfailover status --ds-home /opt/dolphinscheduler");
        for (const Command* command : all_commands()) add(*command);
    }

    CommandLine parse(int argc, const char* const* argv) {
        const std::string_view first = argc > 1 ? argv[1] : "";
        if (first == "--version") {
            result_.text = version_text({argv + 2, argv + argc});
            return std::move(result_);
        }
        // With --help behind it CLI11 would not mind.
        require_command(app_, first);
        if (const auto group = groups_.find(std::string(first)); group != groups_.end() && argc > 2)
            require_command(*group->second, argv[2]);
        begun_ = command_of({argv + std::min(argc, 1), argv + argc});
        try {
            app_.parse(arguments_for_cli11({argv + std::min(argc, 1), argv + argc}));
        } catch (const CLI::Success& help_or_version) {
            std::ostringstream text;
            app_.exit(help_or_version, text, text);
            result_.text = text.str();
        } catch (const CLI::ParseError& error) {
            fail(error, first);
        } catch (const UsageError& error) {
            throw CommandLineError(error.what(), begun_);
        }
        return std::move(result_);
    }

  private:
    /// The command that `words` begins with; nullptr: none.
    static const Command* command_of(const std::vector<std::string>& words) {
        for (const Command* command : all_commands()) {
            const auto [group, name] = name_of(*command);
            const std::size_t at = group.empty() ? 0 : 1;
            if (words.size() > at && words[at] == name && (at == 0 || words[0] == group))
                return command;
        }
        return nullptr;
    }

    /// The group of "sandbox create", made when its first command is added.
    CLI::App& parent_of(const Command& command) {
        const std::string group(name_of(command).group);
        if (group.empty()) return app_;
        CLI::App*& app = groups_[group];
        if (app == nullptr) {
            app = app_.add_subcommand(group, std::string(kGroupSummary));
            app->group("Commands");
            app->require_subcommand(1);
        }
        return *app;
    }

    void add(const Command& command) {
        CLI::App* app = parent_of(command).add_subcommand(std::string(name_of(command).name),
                                                          std::string(command.summary));
        app->group("Commands");
        app->callback([this, &command] { result_.command = &command; });
        app->footer(command.takes_options
                        ? fmt::format("Examples:\n{}\n{}", command.examples, kFooter)
                        : fmt::format("Examples:\n{}", command.examples));
        if (app->get_parent() != &app_) {
            std::string& examples = group_examples_[app->get_parent()];
            app->get_parent()->footer("Examples:\n" + (examples += command.examples));
        }
        app->get_formatter()->column_width(kNameColumn);
        // Making the options of all commands would take as long as all else before a run begins.
        app->preparse_callback([this, app, &command](std::size_t) {
            app->description(wrapped(fmt::format("{}.\n\n{}", command.summary, command.description),
                                     kTextWidth));
            add_argument(*app, command);
            for (const OptionSpec* option : options_of(command)) add(*app, *option);
        });
    }

    void add_argument(CLI::App& app, const Command& command) {
        const std::string name(command.argument);
        const std::string help = wrapped(command.argument_help);
        // One argument is not a list: CLI11 would take the brackets of "[::1]" for one.
        if (command.arguments == Command::Arguments::one)
            app.add_option_function<std::string>(
                   name, [this](const std::string& value) { result_.arguments = {value}; }, help)
                ->type_name("")
                ->required();
        const bool some = command.arguments == Command::Arguments::some;
        if (some || command.arguments == Command::Arguments::any_number)
            app.add_option(name, result_.arguments, help)->type_name("")->required(some);
    }

    void add(CLI::App& app, const OptionSpec& option) {
        const std::string name = "--" + std::string(option.name);
        CLI::Option* added = option.is_flag()
                                 ? app.add_flag_function(
                                       name,
                                       [this, &option](std::int64_t count) {
                                           result_.options[std::string(option.name)] =
                                               count > 0 ? "true" : "false";
                                       },
                                       help_of(option))
                                 : app.add_option_function<std::string>(
                                          name,
                                          [this, &option](const std::string& value) {
                                              result_.options[std::string(option.name)] = value;
                                          },
                                          help_of(option))
                                       ->type_name(option.placeholder());
        added->group(std::string(option.group));
    }

    /// Without what may be a password: that of a URL, or the value of an unknown option.
    std::string what_of(const CLI::ParseError& error) const {
        if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
            std::vector<std::string> options, others;
            for (const std::string& extra : app_.remaining(true)) {
                if (extra.starts_with("--"))
                    options.push_back(extra.substr(0, extra.find('=')));
                else
                    others.push_back(shown_url(extra));
            }
            return options.empty()
                       ? fmt::format("not expected: {}", fmt::join(others, " "))
                       : fmt::format("there is no option {} here{}", fmt::join(options, ", "),
                                     nearest_option(options.front()));
        }
        std::string message = error.what();
        if (const auto at = message.find(": At Most 1 required"); at != std::string::npos)
            message = message.substr(0, at) + " is given more than once";
        return message;
    }

    /// The option of the command that was meant.
    std::string nearest_option(std::string_view mistyped) const {
        const CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
        std::vector<std::string> names;
        for (const CLI::Option* option : app->get_options())
            if (option->nonpositional()) names.push_back("--" + option->get_single_name());
        return did_you_mean(mistyped, std::vector<std::string_view>(names.begin(), names.end()));
    }

    /// Throws UsageError if `name` stands for a command of `app`, and is none.
    static void require_command(const CLI::App& app, std::string_view name) {
        if (name.empty() || name.starts_with('-')) return;
        std::vector<std::string> names;
        for (const CLI::App* command : app.get_subcommands(nullptr))
            names.push_back(command->get_name());
        if (std::ranges::find(names, name) != names.end()) return;
        const std::string group =
            app.get_parent() == nullptr ? "" : fmt::format("{} ", app.get_name());
        throw UsageError(fmt::format(
            "there is no command '{}{}'{}\nTry 'dsfailover {}--help'.", group, shown_url(name),
            did_you_mean(name, std::vector<std::string_view>(names.begin(), names.end())), group));
    }

    /// What CLI11 says is enough, but where it says what is missing and not what is wrong.
    [[noreturn]] void fail(const CLI::ParseError& error, std::string_view first) const {
        std::string command = "dsfailover";
        const CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) {
            app = app->get_subcommands().front();
            command += " " + app->get_name();
        }
        std::string message = what_of(error);
        if (first.starts_with('-') && !first.starts_with("-h"))
            message = fmt::format("{} stands before the command: options come after it",
                                  shown_url(first.substr(0, first.find('='))));
        else if (app == &app_ || (app->get_require_subcommand_min() > 0 &&
                                  dynamic_cast<const CLI::RequiredError*>(&error) != nullptr))
            message = "a command is required";
        throw CommandLineError(fmt::format("{}\nTry '{} --help'.", message, command), begun_);
    }

    CLI::App app_;
    std::map<std::string, CLI::App*> groups_;
    std::map<const CLI::App*, std::string> group_examples_;
    CommandLine result_;
    const Command* begun_ = nullptr;  ///< the one that the command line names
};

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    return Parser().parse(argc, argv);
}

}  // namespace dsfailover
