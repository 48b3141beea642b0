# The public names, each at the line of its module. Type checkers and lazy_loader read this file, so keep to relative
# imports, `X as X`, no other alias, and ASCII.
# ruff: noqa: I001

__version__: str

# Motion: clips, files, layouts
from .formats.checking import FolderCheck as FolderCheck, check as check
from .formats.clip_check import ClipCheck as ClipCheck
from .formats.npz import write_npz as write_npz
from .formats.reading import load as load, read_clip as read_clip
from .skeletons.clip import Clip as Clip
from .skeletons.conversion import convert as convert
from .skeletons.layout import Layout as Layout
from .skeletons.layouts import layout_named as layout_named, list_layouts as list_layouts
from .skeletons.preprocessing import Preprocessing as Preprocessing

# Recognition of a clip
from .recognizer.answer import Answer as Answer, Guess as Guess
from .recognizer.calibration import Calibration as Calibration
from .recognizer.label_set import Label as Label, LabelSet as LabelSet
from .recognizer.explain import Explanation as Explanation, explain as explain
from .recognizer.packaged import list_models as list_models
from .recognizer.recognizer import Recognizer as Recognizer
from .texts.encoder import TextEncoder as TextEncoder

# Long recordings, live streams, folders of motions
from .recognizer.motion_folder import MotionFolder as MotionFolder, embed_folder as embed_folder
from .recognizer.search import Hit as Hit, Hits as Hits, search as search
from .recognizer.stream import Latency as Latency, Stream as Stream
from .recognizer.spans import Span as Span, SpanRule as SpanRule
from .recognizer.timeline import Timeline as Timeline
from .recognizer.timeline import timeline as timeline, timeline_people as timeline_people
from .recognizer.timeline_files import read_timelines as read_timelines, write_timelines as write_timelines

# Adaptation at test time
from .adaptation.prototype_alignment import Alignment as Alignment, align_prototypes as align_prototypes
from .adaptation.prototype_bank import PrototypeBank as PrototypeBank
from .adaptation.registry import add_step as add_step, list_steps as list_steps, named_steps as named_steps
from .adaptation.step import Adapted as Adapted, TestTimeStep as TestTimeStep, Unlabeled as Unlabeled

# Data sets and methods
from .datasets.manifest import Manifest as Manifest
from .datasets.prepare import prepare as prepare
from .datasets.registry import list_datasets as list_datasets
from .datasets.store import Store as Store, open_store as open_store
from .encoders.encoder import Encoder as Encoder
from .encoders.fixed import FixedEncoder as FixedEncoder
from .encoders.registry import add_encoder as add_encoder, list_encoders as list_encoders
from .texts.registry import add_text_space as add_text_space, list_text_spaces as list_text_spaces
from .texts.space import ClassTexts as ClassTexts, TextSpace as TextSpace
from .methods.method import Method as Method
from .methods.registry import add_method as add_method, list_methods as list_methods

# Training and evaluation
from .evaluation.results import Evaluation as Evaluation, RunResult as RunResult
from .evaluation.zero_shot import evaluate_run as evaluate_run
from .runs.config import TrainingConfig as TrainingConfig
from .runs.folder import RunFolder as RunFolder
from .runs.run import Run as Run, open_run as open_run, open_runs as open_runs
from .training.train_run import train_run as train_run

# Errors and process settings
from .errors import SkeltextError as SkeltextError
from .machine import configure_threads as configure_threads
