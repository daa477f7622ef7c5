from hftk.analysis.row_keys import row_keys
from hftk.analysis.vocabulary import Coverage, coverages


def covered(data):
    return coverages(data.splits, {split: row_keys(rows) for split, rows in data.splits.items()})


def test_words_of_texts(texts):
    data = texts(
        train=[("The film, the plot", "good"), ("Film!", "bad")],
        validation=[("the FILM was the film", "good")],
        test=[("", "good")],
    )
    assert covered(data) == [
        Coverage("validation", words=5, words_in_train=4, types=3, types_in_train=2, new_tags=None),
        Coverage("test", words=0, words_in_train=0, types=0, types_in_train=0, new_tags=None),
    ]


def test_words_of_both_texts_of_a_pair(texts):
    data = texts(train=[("a", "b", "good")], validation=[("b", "c", "bad")])
    assert covered(data) == [
        Coverage("validation", words=2, words_in_train=1, types=2, types_in_train=1, new_tags=None)
    ]


def test_words_of_sentences_are_as_they_stand(sentences):
    data = sentences(train=["run/V The/N", "run/N"], validation=["run/V the/N The/V run/V"])
    assert covered(data) == [
        Coverage("validation", words=4, words_in_train=3, types=3, types_in_train=2, new_tags=1)
    ], "The/V: the word is known, with another tag"


def test_nothing_to_cover(texts, images):
    import numpy as np

    assert covered(texts(train=[("", "good")], validation=[("a", "good")])) == []
    pixels = np.zeros((2, 2, 2, 1), np.uint8)
    assert covered(images(train=(pixels, [0, 1]), validation=(pixels, [0, 1]))) == []
