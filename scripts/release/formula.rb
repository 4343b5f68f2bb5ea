# Installs a formula and runs its test as Homebrew does. It is not Homebrew: it knows only the
# part of its language that scripts/release/mqtt.rb.in uses:
#
#   ruby scripts/release/formula.rb mqtt.rb PREFIX
#
# The archives of all systems are fetched and their checksums compared. The URLs must begin with
# file:, which RELEASE_HOME of scripts/release.sh can set. The archive for this machine is
# installed below PREFIX.
require "digest"
require "fileutils"
require "open3"
require "pathname"
require "rbconfig"
require "rubygems/package"
require "tmpdir"
require "uri"
require "zlib"

# Folder is a folder below the prefix. install takes paths, or path => new name.
class Folder < Pathname
  def install(*sources)
    raise "nothing to install in #{self}" if sources.flatten.empty?

    mkpath
    sources.flatten.each do |source|
      pairs = source.is_a?(Hash) ? source : { source => File.basename(source) }
      pairs.each { |from, to| FileUtils.cp(from, join(to), preserve: true) }
    end
  end
end

class Formula
  class << self
    attr_writer :system_name, :processor
    attr_reader :file_url, :body

    %i[desc homepage version sha256].each do |word|
      define_method(word) { |*value| value.empty? ? values.fetch(word) : values[word] = value.first }
    end

    def values = @values ||= {}

    def url(address) = @file_url = address

    def on_macos = system_name == :macos && yield
    def on_linux = system_name == :linux && yield
    def on_arm = processor == :arm && yield
    def on_intel = processor == :intel && yield

    def test(&block) = @body = block

    # for_system returns the class that the file defines on one system.
    def for_system(file, system_name, processor)
      Formula.system_name = system_name
      Formula.processor = processor
      Object.send(:remove_const, :Mqtt) if Object.const_defined?(:Mqtt)
      load file
      Object.const_get(:Mqtt)
    end

    def system_name = self == Formula ? @system_name : superclass.system_name
    def processor = self == Formula ? @processor : superclass.processor

    # fetch returns the path of the archive, after its checksum was compared.
    def fetch
      address = URI.parse(file_url)
      raise "#{file_url}: only file: can be fetched here" unless address.scheme == "file"

      found = Digest::SHA256.file(address.path).hexdigest
      raise "#{file_url}: sha256 is #{found}, the formula has #{sha256}" unless found == sha256

      address.path
    end
  end

  attr_reader :prefix

  def initialize(prefix)
    @prefix = Pathname.new(prefix)
  end

  def version = self.class.version

  { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d",
    zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d" }.each do |word, path|
    define_method(word) { Folder.new(prefix.join(path)) }
  end

  def system(command, *arguments)
    line = [command, *arguments].map(&:to_s)
    raise "#{line.join(" ")}: #{$?}" unless Kernel.system(*line)
  end

  def shell_output(line, status = 0)
    out, result = Open3.capture2(line)
    assert_equal status, result.exitstatus
    out
  end

  def assert_equal(wanted, found)
    raise "wanted #{wanted.inspect}, found #{found.inspect}" unless wanted == found
  end

  def run_test = instance_exec(&self.class.body)
end

# unpack writes the files of the archive. Homebrew enters its only folder, if there is one.
def unpack(archive, folder)
  Zlib::GzipReader.open(archive) do |plain|
    Gem::Package::TarReader.new(plain).each do |entry|
      path = File.join(folder, entry.full_name)
      FileUtils.mkpath(File.dirname(path))
      File.binwrite(path, entry.read || "")
      File.chmod(entry.header.mode, path)
    end
  end
  inner = Dir.children(folder)
  inner.one? ? File.join(folder, inner.first) : folder
end

abort "usage: formula.rb FORMULA PREFIX" unless ARGV.size == 2
file, prefix = ARGV.map { |path| File.expand_path(path) }

archives = %i[macos linux].product(%i[arm intel]).map { |at| Formula.for_system(file, *at).fetch }
abort "two systems have one archive: #{archives}" unless archives.uniq.size == 4

here = [RbConfig::CONFIG["host_os"].start_with?("darwin") ? :macos : :linux,
        RbConfig::CONFIG["host_cpu"].match?(/arm|aarch64/) ? :arm : :intel]
formula = Formula.for_system(file, *here)
Dir.mktmpdir do |folder|
  Dir.chdir(unpack(formula.fetch, folder)) { formula.new(prefix).install }
end
Dir.mktmpdir do |home|
  ENV["HOME"] = home
  Dir.chdir(home) { formula.new(prefix).run_test }
end
puts "formula: #{formula.version} for #{here.join(" on ")} is installed and tested"
